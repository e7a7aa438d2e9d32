/** Small XML documents (Maven's metadata) as plain data. Entities and document types are refused, so nothing expands. */
import { DOMParser, type Element, type Node, onWarningStopParsing, ParseError } from '@xmldom/xmldom';
import { decodeBounded, indexInvalid, type Origin } from './document-text.ts';

const DEPTH_LIMIT = 32;

export interface XmlElement {
  readonly name: string;
  readonly attributes: readonly (readonly [name: string, value: string])[];
  readonly children: readonly XmlElement[];
  /** Without surrounding blanks; empty when there are children. */
  readonly text: string;
}

/**
 * Comments and blanks between elements are dropped: they mean nothing in metadata.
 * @throws {ReplicationError} unit `IndexInvalid` (not well-formed, with line and column; a document type; too deep),
 *   `DocumentTooLarge`
 */
export function parseXml(content: Uint8Array, origin: Origin): XmlElement {
  const text = decodeBounded(content, origin);
  if (/<!(?:DOCTYPE|ENTITY)/iu.test(text)) throw indexInvalid(origin, 'has a document type or entities: refused');
  try {
    const root = new DOMParser({ onError: onWarningStopParsing }).parseFromString(
      text,
      'application/xml',
    ).documentElement;
    if (root === null) throw indexInvalid(origin, 'has no root element');
    return toElement(root, origin, 1);
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    const place = error.locator as { readonly lineNumber?: number; readonly columnNumber?: number } | undefined;
    const where = `line ${place?.lineNumber ?? 0} column ${place?.columnNumber ?? 0}`;
    throw indexInvalid(origin, `is not well-formed XML: error at ${where}`);
  }
}

/** In the layout of Maven itself: two blanks a level, `\n`, one at the end. */
export function writeXml(root: XmlElement): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${elementText(root, '')}\n`;
}

export function childOf(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element?.children.find((child) => child.name === name);
}

export function childrenOf(element: XmlElement | undefined, name: string): readonly XmlElement[] {
  return element?.children.filter((child) => child.name === name) ?? [];
}

/** undefined = no such child, or an empty one. */
export function textOf(element: XmlElement | undefined, name: string): string | undefined {
  const text = childOf(element, name)?.text;
  return text === '' ? undefined : text;
}

export function leaf(name: string, text: string): XmlElement {
  return { name, attributes: [], children: [], text };
}

/** Replaces the child of that name where it stands, appends it, or (undefined) drops it. */
export function withChild(element: XmlElement, name: string, child: XmlElement | undefined): XmlElement {
  const replaced = element.children.flatMap((old) => (old.name === name ? (child ?? []) : old));
  const known = element.children.some((old) => old.name === name);
  return { ...element, text: '', children: known || child === undefined ? replaced : [...replaced, child] };
}

function toElement(element: Element, origin: Origin, depth: number): XmlElement {
  if (depth > DEPTH_LIMIT) throw indexInvalid(origin, `is nested deeper than ${DEPTH_LIMIT} levels`);
  const children: XmlElement[] = [];
  let text = '';
  for (let node: Node | null = element.firstChild; node !== null; node = node.nextSibling) {
    if (node.nodeType === node.ELEMENT_NODE) children.push(toElement(node as Element, origin, depth + 1));
    else if (node.nodeType === node.TEXT_NODE || node.nodeType === node.CDATA_SECTION_NODE)
      text += node.nodeValue ?? '';
  }
  const attributes = [...element.attributes].map((attribute) => [attribute.name, attribute.value] as const);
  return { name: element.tagName, attributes, children, text: children.length > 0 ? '' : text.trim() };
}

function elementText(element: XmlElement, indent: string): string {
  const attributes = element.attributes.map(([name, value]) => ` ${name}="${escape(value)}"`).join('');
  const opening = `${indent}<${element.name}${attributes}`;
  if (element.children.length > 0) {
    const lines = element.children.map((child) => elementText(child, `${indent}  `));
    return `${opening}>\n${lines.join('\n')}\n${indent}</${element.name}>`;
  }
  return element.text === '' ? `${opening}/>` : `${opening}>${escape(element.text)}</${element.name}>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
