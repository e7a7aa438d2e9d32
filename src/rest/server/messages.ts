/**
 * Texts of the codes, in the languages of bk-repo. The English ones are its own words (contract §1.4), because scripts
 * look for them; `{}` is the blank that a complaint's subject fills.
 */
import type { CodeName, Complaint } from '../codes.ts';
import type { Language } from './languages.ts';

type Texts = Readonly<Record<Language, string>>;

const TEXTS: Readonly<Record<CodeName, Texts>> = {
  systemError: {
    en: 'System service is busy, please try again later',
    'zh-CN': '系统繁忙，请稍后再试',
    'zh-TW': '系統忙碌，請稍後再試',
  },
  parameterMissing: { en: 'Parameter [{}] is missing', 'zh-CN': '缺少参数[{}]', 'zh-TW': '缺少參數[{}]' },
  parameterEmpty: {
    en: 'Parameter [{}] should not be empty',
    'zh-CN': '参数[{}]不能为空',
    'zh-TW': '參數[{}]不可為空',
  },
  parameterInvalid: { en: 'Parameter [{}] is invalid', 'zh-CN': '参数[{}]无效', 'zh-TW': '參數[{}]無效' },
  contentInvalid: { en: 'Invalid request content', 'zh-CN': '请求内容无效', 'zh-TW': '請求內容無效' },
  bodyTooLarge: { en: 'Request body is too large', 'zh-CN': '请求体过大', 'zh-TW': '請求主體過大' },
  resourceExisted: { en: 'Resource [{}] existed', 'zh-CN': '资源[{}]已存在', 'zh-TW': '資源[{}]已存在' },
  resourceNotFound: { en: 'Resource [{}] not found', 'zh-CN': '资源[{}]不存在', 'zh-TW': '資源[{}]不存在' },
  requestTimeout: {
    en: 'Request did not arrive in time',
    'zh-CN': '未能及时收到完整请求',
    'zh-TW': '未能及時收到完整請求',
  },
  methodNotAllowed: {
    en: 'Method not allowed, reason: {}',
    'zh-CN': '不允许使用该方法，原因：{}',
    'zh-TW': '不允許使用此方法，原因：{}',
  },
  denied: { en: 'Access denied: {}', 'zh-CN': '拒绝访问：{}', 'zh-TW': '拒絕存取：{}' },
  unauthenticated: { en: 'Failed to authenticate: {}', 'zh-CN': '认证失败：{}', 'zh-TW': '認證失敗：{}' },
  unavailable: {
    en: 'Service is not available at present: {}',
    'zh-CN': '服务暂时不可用：{}',
    'zh-TW': '服務暫時無法使用：{}',
  },
  headersTooLarge: { en: 'Request headers are too large', 'zh-CN': '请求头过大', 'zh-TW': '請求標頭過大' },
  mediaTypeUnsupported: {
    en: 'Unsupported Media Type',
    'zh-CN': '不支持的媒体类型',
    'zh-TW': '不支援的媒體類型',
  },
  tooManyRequests: {
    en: 'Too many requests, please try again later',
    'zh-CN': '请求过于频繁，请稍后再试',
    'zh-TW': '請求過於頻繁，請稍後再試',
  },
  urlNotFound: { en: 'Request url[{}] not found', 'zh-CN': '请求地址[{}]不存在', 'zh-TW': '請求位址[{}]不存在' },
  parameterValidation: {
    en: 'Parameter validation failed: {}',
    'zh-CN': '参数校验失败：{}',
    'zh-TW': '參數驗證失敗：{}',
  },
  changedMeanwhile: {
    en: 'Resource [{}] was changed by somebody else in the meantime, please read it again',
    'zh-CN': '资源[{}]已被他人修改，请重新读取',
    'zh-TW': '資源[{}]已被他人修改，請重新讀取',
  },
  clusterConnectError: {
    en: 'remote cluster [{}] connect error',
    'zh-CN': '无法连接远程集群[{}]',
    'zh-TW': '無法連線到遠端叢集[{}]',
  },
  taskStatusInvalid: { en: 'task status invalid', 'zh-CN': '任务状态不允许此操作', 'zh-TW': '任務狀態不允許此操作' },
  taskDisabled: { en: 'task enables is false', 'zh-CN': '任务已停用', 'zh-TW': '任務已停用' },
  clusterExists: {
    en: 'cluster node [{}] is existed',
    'zh-CN': '集群节点[{}]已存在',
    'zh-TW': '叢集節點[{}]已存在',
  },
  clusterNotFound: {
    en: 'cluster node [{}] is not found',
    'zh-CN': '集群节点[{}]不存在',
    'zh-TW': '叢集節點[{}]不存在',
  },
  taskNotEditable: { en: 'task [{}] disable update', 'zh-CN': '任务[{}]不可修改', 'zh-TW': '任務[{}]不可修改' },
  taskOwned: { en: 'task [{}] is managed elsewhere', 'zh-CN': '任务[{}]由别处管理', 'zh-TW': '任務[{}]由別處管理' },
  clusterOwned: {
    en: 'cluster node [{}] is managed elsewhere',
    'zh-CN': '集群节点[{}]由别处管理',
    'zh-TW': '叢集節點[{}]由別處管理',
  },
  centerExists: { en: 'cluster center node is existed', 'zh-CN': '中心节点已存在', 'zh-TW': '中心節點已存在' },
  taskNotFound: {
    en: 'replica task [{}] not found',
    'zh-CN': '同步任务[{}]不存在',
    'zh-TW': '同步任務[{}]不存在',
  },
  pathInvalid: { en: 'Node path [{}] is invalid', 'zh-CN': '节点路径[{}]无效', 'zh-TW': '節點路徑[{}]無效' },
};

/** Most of an answer that complaints may take; more is counted. */
const MAX_TEXTS = 32;
const MAX_SUBJECT = 256;
const MAX_DETAIL = 1_024;
const MAX_MESSAGE = 8_192;

/**
 * All complaints in one sentence each, joined by `; `. Those of one text without a blank (a body with several bad
 * fields) share it, and stand in its parentheses as `field: what is wrong`.
 */
export function messageOf(complaints: readonly Complaint[], language: Language): string {
  const details = new Map<string, string[]>();
  for (const { code, subject, detail } of complaints) {
    const template = TEXTS[code][language];
    const blank = template.includes('{}');
    const text = blank ? filled(template, clipped(subject, MAX_SUBJECT)) : template;
    const more = [blank ? '' : subject, detail ?? '']
      .filter((part) => part !== '')
      .map((part) => clipped(part, MAX_DETAIL));
    const known = details.get(text);
    if (known === undefined) details.set(text, more.length === 0 ? [] : [more.join(': ')]);
    else if (more.length > 0) known.push(more.join(': '));
  }
  const texts = [...details].map(([text, more]) => (more.length === 0 ? text : `${text} (${listed(more)})`));
  return clipped(listed(texts), MAX_MESSAGE);
}

function filled(template: string, subject: string): string {
  return subject === ''
    ? template.replace(/(?:: |：)?\{\}$/, '').replace('{}', '')
    : template.replace('{}', () => subject);
}

function listed(texts: readonly string[]): string {
  const shown = texts.slice(0, MAX_TEXTS);
  return [...shown, ...(texts.length > shown.length ? [`+ ${texts.length - shown.length}`] : [])].join('; ');
}

function clipped(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
