/** A password, its hashes as other tools make them, and files of users who have it. */
import { rename, writeFile } from 'node:fs/promises';

export const PASSWORD = 'pass:wörd 密码';

/** Of PASSWORD, made by Python's bcrypt 5, argon2-cffi 25 and passlib 1.7. */
export const HASHES = {
  '2b': '$2b$05$jW7RzYz1GCJztZpRNuVQIeabeGYpmh6H3ErfREmQK/s.ofUf/snUG',
  '2a': '$2a$05$j6CI1H1AsqHrvlyZ68c.p.hUf4PC.EhqsLTOTkTa.4Hwx5WdgYmqy',
  '2y': '$2y$05$jW7RzYz1GCJztZpRNuVQIeabeGYpmh6H3ErfREmQK/s.ofUf/snUG',
  argon2d: '$argon2d$v=19$m=1024,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$5gG5txC0k7+A1/3LoCD6T+uTHIZpPBOgnIfXj2DCW/Y',
  argon2i: '$argon2i$v=19$m=1024,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$RZKZdWueHUl9f0eVmCPq+wGPMgpHHJyD0pGbTrf2woA',
  argon2id: '$argon2id$v=19$m=1024,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$TyhgT5cnRjoUlzRbgcVZ98gLMVBiX1k5M/Vrqjfntho',
  scrypt: '$scrypt$ln=10,r=8,p=1$irGWkpJSitH6f29NKeU8xw$7XVpzcA2ktFzgErkm4lMhB4tCxWVCLOoY5pEmYDOnEw',
};

/** The header of a caller with a password. */
export function basic(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

/** The text of a file in which they all have PASSWORD. */
export function usersText(...names: readonly string[]): string {
  return JSON.stringify({ users: names.map((username) => ({ username, role: 'viewer', passwordHash: HASHES['2b'] })) });
}

/** Replaces the file in one step. */
export async function replaceFile(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
