import { ReplicationError } from '../../domain/errors.ts';

/** A far side's url, without slashes at the end of its path. Fails with spec error `InvalidUrl`. */
export function farSideUrl(text: string): URL {
  const url = parse(text, 'the url of the far side');
  if (url.username !== '' || url.password !== '')
    throw invalid('the url of the far side holds user info; credentials belong into the Secret');
  if (url.search !== '' || url.hash !== '') throw invalid('the url of the far side holds a query or fragment');
  return new URL(url.pathname.replace(/\/+/g, '/').replace(/\/$/, ''), url.origin);
}

/** A proxy's url, with its user info. Fails with spec error `InvalidUrl`, in which the url is not shown. */
export function proxyUrlOf(text: string | undefined): URL | undefined {
  return text === undefined ? undefined : parse(text, 'the proxy url');
}

function parse(text: string, what: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '')
    throw invalid(`${what} is not http(s)://host[:port][/path]`);
  return url;
}

/** Basic credentials, RFC 7617. Fails with spec error `InvalidCredentials` for a user name that cannot be sent. */
export function basicToken(username: string, password: string): string {
  if (username.includes(':'))
    throw new ReplicationError('spec', 'InvalidCredentials', 'the user name holds a ":", which Basic cannot carry');
  return Buffer.from(`${username}:${password}`, 'utf8').toString('base64');
}

function invalid(why: string): ReplicationError {
  return new ReplicationError('spec', 'InvalidUrl', why);
}
