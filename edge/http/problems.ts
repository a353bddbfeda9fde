/** What the gateway refuses: the one table of code, HTTP status and title. */
import {
  commonRefusals,
  HttpRefused,
  type Refusal,
  refusal,
  refusalSender,
} from '../../process/http-problems.ts';

/** Listed, with what to do about each, in `edge/http/README.md`; a test compares the two. */
export const edgeRefusals = {
  ...commonRefusals,
  unauthenticated: refusal(401, '需要登录', 'Sign in first'),
  wrong_password: refusal(401, '密码不正确', 'The password is wrong'),
  write_refused: refusal(403, '不向表计写入', 'Nothing is ever written to a meter'),
  cross_site: refusal(403, '拒绝来自其他网站的请求', 'A request from another site is refused'),
  foreign_host: refusal(403, '拒绝以其他主机名访问', 'Asked under a foreign host name'),
  unknown_bus: refusal(404, '没有这条总线', 'No such bus'),
  unknown_meter: refusal(404, '没有这块表', 'No such meter'),
  unknown_photo: refusal(404, '没有这张照片', 'No such photo'),
  unknown_profile: refusal(404, '没有这个表型', 'No such meter model'),
  bus_busy: refusal(409, '该总线上正在扫描或识别', 'Another search runs along this bus'),
  wrong_unit: refusal(422, '地址与表型不符', 'A meter of this model cannot have this address here'),
  beyond_registers: refusal(422, '超出最后一个寄存器', 'Registers beyond the last one'),
  not_a_face: refusal(422, '不是表面读数', 'These are not the digits of a face'),
  evidence_refused: refusal(422, '证据未被接受', 'The evidence is refused'),
  too_many_attempts: refusal(429, '尝试次数过多，请稍后再试', 'Too many attempts: wait a while'),
  internal: refusal(500, '网关内部故障', 'A fault inside the gateway'),
  not_ready: refusal(503, '网关尚未就绪', 'The gateway is not ready'),
} as const satisfies Record<string, Refusal>;

export type EdgeErrorCode = keyof typeof edgeRefusals;

export class EdgeRefused extends HttpRefused<EdgeErrorCode> {
  override readonly name = 'EdgeRefused';
}

export const sendEdgeRefusal = refusalSender<EdgeErrorCode>(edgeRefusals);
