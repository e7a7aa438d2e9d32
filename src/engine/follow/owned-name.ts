/** The name under which a package version is owned (`ownedName`), taken apart again: no version has an `@`. */
export function splitOwnedName(name: string): { readonly packageKey: string; readonly version: string } {
  const at = name.lastIndexOf('@');
  return { packageKey: name.slice(0, at), version: name.slice(at + 1) };
}
