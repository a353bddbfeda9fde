/** Park documents: every version that was ever in force. */

export interface ParkVersion {
  version: number;
  digest: string;
  importedAt: string;
  /** JSON text of the document. */
  document: string;
}

export interface ParksOperations {
  /** Puts a document in force; importing what is in force already changes nothing. */
  putPark(asked: Omit<ParkVersion, 'version'>): {
    added: boolean;
  };
  /** A document that was ever in force. */
  parkByDigest(digest: string): ParkVersion | null;
  currentPark(): ParkVersion | null;
}
