/**
 * The import graph of the source, and the rules it must keep. Works on texts, so that a test can plant a violation.
 * The rules themselves are the tables in tests/architecture.test.ts.
 */

import { posix } from 'node:path';
import { parseAst } from 'vite';

export interface Import {
  /** A path from the repository's root for our own files, else the package's or built-in's name. */
  readonly to: string;
  readonly own: boolean;
  /** Erased by the compiler: no code runs because of it. */
  readonly typeOnly: boolean;
}

/** Path from the repository's root -> source text. */
export type Sources = ReadonlyMap<string, string>;
export type Graph = ReadonlyMap<string, readonly Import[]>;

export function importGraph(sources: Sources): Graph {
  return new Map([...sources].map(([path, text]) => [path, importsOf(path, text)]));
}

interface Node {
  readonly type: string;
  readonly [key: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}

function importsOf(path: string, text: string): Import[] {
  const imports: Import[] = [];
  const add = (source: unknown, typeOnly: boolean) => {
    if (!isNode(source) || typeof source.value !== 'string') return;
    const own = source.value.startsWith('.');
    imports.push({ to: own ? posix.join(posix.dirname(path), source.value) : source.value, own, typeOnly });
  };
  const visit = (node: Node) => {
    if (node.type === 'ImportDeclaration') add(node.source, node.importKind === 'type' || onlyTypes(node.specifiers));
    else if (node.type === 'ExportNamedDeclaration') {
      add(node.source, node.exportKind === 'type' || onlyTypes(node.specifiers));
    } else if (node.type === 'ExportAllDeclaration') add(node.source, node.exportKind === 'type');
    else if (node.type === 'ImportExpression') add(node.source, false);
    else if (node.type === 'TSImportType') add(node.source ?? node.argument, true);
    for (const child of Object.values(node)) {
      for (const item of Array.isArray(child) ? child : [child]) if (isNode(item)) visit(item);
    }
  };
  const program: unknown = parseAst(text, { lang: path.endsWith('x') ? 'tsx' : 'ts' });
  if (isNode(program)) visit(program);
  return imports;
}

function onlyTypes(specifiers: unknown): boolean {
  if (!Array.isArray(specifiers) || specifiers.length === 0) return false;
  return specifiers.every((s) => isNode(s) && (s.importKind === 'type' || s.exportKind === 'type'));
}

/** Files whose code runs when `path` is loaded. */
function loaded(graph: Graph, path: string): string[] {
  return (graph.get(path) ?? []).filter((edge) => edge.own && !edge.typeOnly).map((edge) => edge.to);
}

/** Cycles of imports that run code, each as `a -> b -> a`. */
export function findCycles(graph: Graph): string[] {
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]) => {
    if (trail.includes(path)) {
      cycles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
    } else if (!done.has(path)) {
      for (const next of loaded(graph, path)) visit(next, [...trail, path]);
      done.add(path);
    }
  };
  for (const path of graph.keys()) visit(path, []);
  return cycles;
}

/** What a room may import, by the beginning of the path. A room may always import itself. */
export interface Allowance {
  readonly values: readonly string[];
  /** Besides the values. */
  readonly types?: readonly string[];
}

/** @param rooms by the beginning of the path; the longest one that fits a file is its room */
export function findForbiddenArrows(graph: Graph, rooms: Readonly<Record<string, Allowance>>): string[] {
  const roomOf = (path: string) =>
    Object.keys(rooms)
      .filter((room) => path.startsWith(room))
      .sort((a, b) => b.length - a.length)[0];
  const violations: string[] = [];
  for (const [path, imports] of graph) {
    const room = roomOf(path);
    const allowed = room === undefined ? undefined : rooms[room];
    if (room === undefined || allowed === undefined) {
      violations.push(`${path}: in no room of the table`);
      continue;
    }
    for (const { to, own, typeOnly } of imports) {
      if (!own || roomOf(to) === room) continue;
      const reachable = typeOnly ? [...allowed.values, ...(allowed.types ?? [])] : allowed.values;
      if (!reachable.some((prefix) => to.startsWith(prefix))) {
        violations.push(`${path} -> ${to}${typeOnly ? ' (types)' : ''}`);
      }
    }
  }
  return violations;
}

/** Imports of files that are not there. */
export function findBrokenImports(graph: Graph, isAsset: (path: string) => boolean): string[] {
  return [...graph].flatMap(([path, imports]) =>
    imports.filter(({ own, to }) => own && !graph.has(to) && !isAsset(to)).map(({ to }) => `${path} -> ${to}`),
  );
}

/** Ways from a file that must run in a browser to a built-in module of Node. */
export function findNodeInBrowser(graph: Graph, mustRunInBrowser: (path: string) => boolean): string[] {
  const ways: string[] = [];
  for (const root of graph.keys()) {
    if (!mustRunInBrowser(root)) continue;
    const cameFrom = new Map<string, string | null>([[root, null]]);
    for (const path of cameFrom.keys()) {
      const builtIn = graph.get(path)?.find((edge) => !edge.typeOnly && edge.to.startsWith('node:'));
      if (builtIn !== undefined) ways.push([...wayTo(path, cameFrom), builtIn.to].join(' -> '));
      for (const next of loaded(graph, path)) if (!cameFrom.has(next)) cameFrom.set(next, path);
    }
  }
  return ways;
}

function wayTo(path: string, cameFrom: ReadonlyMap<string, string | null>): string[] {
  const way: string[] = [];
  for (let at: string | null | undefined = path; at != null; at = cameFrom.get(at)) way.unshift(at);
  return way;
}
