/** `UnitDetail.unitKey` of a file, and the beginning of that of a package or version. */
export function unitKey(index: number, fullPath: string): string {
  return `${index}:${fullPath}`;
}
