/** The one table of refusals that the service answers with: code -> HTTP status and title, in both languages. */
import { commonRefusals, HttpRefused, type Refusal, refusal } from '../process/http-problems.ts';

/** Listed, with what to do about each, in `cloud/api/README.md`; a test compares the two. */
export const refusals = {
  ...commonRefusals,
  range_too_wide: refusal(400, '时间范围过大', 'The span of time is too wide'),
  empty_range: refusal(400, '时间范围为空', 'The span of time is empty'),
  unauthenticated: refusal(401, '需要登录或密钥', 'Sign in, or send an API key'),
  wrong_password: refusal(401, '密码不正确', 'The password is wrong'),
  forbidden: refusal(403, '没有权限', 'Not allowed with these rights'),
  enrolment_refused: refusal(403, '注册码或证书无效', 'The code or certificate is not good'),
  cross_site: refusal(403, '拒绝来自其他网站的请求', 'A request from another site is refused'),
  own_approval: refusal(403, '不能批准自己提出的事项', 'Nobody approves what they asked for themselves'),
  no_enrolment: refusal(404, '本服务不签发网关证书', 'This service gives no certificates to gateways'),
  unknown_meter: refusal(404, '没有这块表', 'No such meter'),
  unknown_gateway: refusal(404, '没有这个网关', 'No such gateway'),
  unknown_statement: refusal(404, '没有这份结算单', 'No such statement'),
  unknown_run: refusal(404, '该账期尚未结算', 'The period has no billing run'),
  unknown_key: refusal(404, '没有这个密钥', 'No such API key'),
  unknown_webhook: refusal(404, '没有这个回调地址', 'No such webhook'),
  unknown_charge: refusal(404, '没有这笔费用', 'No such charge'),
  unknown_credit: refusal(404, '没有这笔减免', 'No such credit'),
  unknown_dispute: refusal(404, '没有这项异议', 'No such dispute'),
  unknown_line: refusal(404, '结算单上没有这一行', 'The statement has no such line'),
  unknown_entry: refusal(404, '没有这条隔离记录', 'No such entry in quarantine'),
  unknown_link: refusal(404, '链接无效或已过期', 'The link is not valid, or no longer'),
  request_in_progress: refusal(409, '同一请求正在处理', 'The same request is being worked on'),
  busy: refusal(409, '另一次结算正在进行', 'Another billing run is under way'),
  billing_refused: refusal(409, '无法结算该账期', 'The period cannot be billed as it stands'),
  wrong_state: refusal(409, '账期当前状态不允许此操作', 'The period is not in the state for this'),
  period_immutable: refusal(409, '账期已出账，只能更正', 'What is issued is corrected, never changed'),
  nothing_to_correct: refusal(409, '没有需要更正的内容', 'There is nothing to correct'),
  changed_since_review: refusal(409, '复核之后数据已变化', 'The figures have changed since the review'),
  store_damaged: refusal(409, '账务数据被改动，已停止结算', 'Billing rows were changed: billing has stopped'),
  already_disputed: refusal(409, '该行已有未处理的异议', 'The line is disputed already'),
  already_decided: refusal(409, '已经处理过', 'It was decided before'),
  day_not_ended: refusal(409, '这一天尚未结束', 'The day has not ended yet'),
  missing_glyph: refusal(
    409,
    '字库缺字，无法排版',
    'The fonts lack a character: the document is not printed',
  ),
  digest_mismatch: refusal(409, '结算单与所确认的不一致', 'The statement is not the one that was confirmed'),
  already_closed: refusal(409, '该隔离记录已处理', 'The entry was released or dismissed before'),
  not_releasable: refusal(409, '该记录仍未通过检查', 'The entry does not pass the checks'),
  bad_certificate_request: refusal(422, '证书请求无效', 'The certificate request is not good'),
  unknown_profile: refusal(422, '没有这个表型', 'No such meter model'),
  not_a_batch: refusal(422, '不是该网关的有效批次', 'It is no batch of this gateway'),
  webhook_refused: refusal(422, '回调地址不可用', 'The address of a webhook cannot be used'),
  credit_refused: refusal(422, '减免金额无效', 'The amount of the credit is not good'),
  idempotency_conflict: refusal(
    422,
    '同一幂等键对应了不同的请求',
    'The Idempotency-Key was used with another body',
  ),
  too_many_attempts: refusal(429, '尝试次数过多，请稍后再试', 'Too many attempts: wait a while'),
  internal: refusal(500, '服务内部故障', 'A fault inside the service'),
  not_stored: refusal(503, '未能存储，请保留并重发', 'It is not stored: keep it and send it again'),
  not_ready: refusal(503, '服务尚未就绪', 'The service is not ready'),
} as const satisfies Record<string, Refusal>;

export type ErrorCode = keyof typeof refusals;

/** A refusal as a value to throw inside a request: the error handler turns it into a problem document. */
export class Refused extends HttpRefused<ErrorCode> {
  override readonly name = 'Refused';
  constructor(code: ErrorCode, detail: string = refusals[code].title.en) {
    super(code, detail);
  }
}
