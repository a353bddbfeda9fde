/** Why a frame or what it carries cannot be the answer to what was asked. */
export type AnswerDoubt =
  | 'bad_frame'
  | 'wrong_unit'
  | 'wrong_function'
  | 'wrong_transaction'
  | 'wrong_item'
  | 'wrong_byte_count';
