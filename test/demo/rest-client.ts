import { basicAuth, type RestAccount } from '../support/rest-accounts.ts';

interface Envelope<T> {
  readonly code: number;
  readonly message: string | null;
  readonly data: T;
}

/** Calls the REST API as a script of a bk-repo user does. */
export class RestClient {
  readonly #url: string;
  readonly #authorization: string;
  requests = 0;

  constructor(url: string, account: RestAccount) {
    this.#url = url;
    this.#authorization = basicAuth(account);
  }

  /** Answers `data`. @throws {Error} for what is not success */
  async call<T>(method: 'GET' | 'POST', path: string, body?: object): Promise<T> {
    this.requests += 1;
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: { authorization: this.#authorization, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const { code, message, data } = (await response.json()) as Envelope<T>;
    if (response.status !== 200 || code !== 0)
      throw new Error(`${method} ${path} was answered ${response.status} with code ${code}: ${message}`);
    return data;
  }
}
