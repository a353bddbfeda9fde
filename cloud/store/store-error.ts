/** An operation failed in the store: nothing of it was committed. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly operation: string;
  readonly code: string | undefined;
  /** What was to be stored cannot be, in the soundest store: to try again is no use. */
  readonly ofMessage: boolean;
  constructor(operation: string, message: string, code: string | undefined, ofMessage = false) {
    super(`${operation}: ${message}`);
    this.operation = operation;
    this.code = code;
    this.ofMessage = ofMessage;
  }
}
