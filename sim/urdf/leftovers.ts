/**
 * What stands in a URDF beside links and joints: xacro that was not expanded, and elements that nobody knows. Harmless
 * leftovers are noted; what would have made links, masses or joints is refused. Spec: wiki.ros.org/xacro.
 */

import { nearest } from '../../core/errors.ts';
import { children, elements, fail, type Reader, type XmlElement } from './xml.ts';

const KNOWN: Readonly<Record<string, readonly string[]>> = {
  robot: ['link', 'joint', 'material', 'gazebo', 'transmission', 'mujoco', 'ros2_control'],
  link: ['inertial', 'visual', 'collision', 'gazebo'],
  joint: [
    'origin',
    'parent',
    'child',
    'axis',
    'limit',
    'dynamics',
    'mimic',
    'safety_controller',
    'calibration',
    'gazebo',
  ],
  inertial: ['mass', 'inertia', 'origin'],
  visual: ['origin', 'geometry', 'material'],
  collision: ['origin', 'geometry', 'material'],
};

/** Nothing in them is part of the robot's mechanics. */
const SILENT = new Set(['gazebo', 'transmission', 'material', 'mujoco', 'ros2_control']);
/** Declarations; they make nothing by themselves. */
const DECLARATIONS = new Set(['xacro:arg', 'xacro:property', 'xacro:include', 'xacro:macro']);

export function noteLeftovers(robot: XmlElement, reader: Reader): void {
  const macros = new Map(children(robot, 'xacro:macro').map((macro) => [macro.getAttribute('name') ?? '', macro]));
  const ignored = new Set<string>();
  const visit = (parent: XmlElement, place: string) => {
    for (const element of elements(parent)) {
      const tag = element.tagName;
      const name = element.getAttribute('name');
      if (DECLARATIONS.has(tag)) {
        ignored.add(`<${tag}${tag === 'xacro:include' ? ` ${element.getAttribute('filename')}` : ''}>`);
      } else if (tag.startsWith('xacro:')) {
        const makes = madeBy(element, macros);
        if (makes !== null)
          fail(
            reader,
            `${place}<${tag}> was not expanded and would make ${makes}`,
            'expand the xacro first: xacro FILE > robot.urdf',
          );
        ignored.add(`<${tag}>`);
      } else if (KNOWN[parent.tagName]!.includes(tag)) {
        // What is known has a bounded depth; what is not may be nested without end.
        if (tag in KNOWN) visit(element, name === null ? `${place}<${tag}> ` : `${tag} ${name} `);
      } else if (!tag.includes(':')) {
        // A prefix is another tool's: drake:joint.
        const near = nearest(tag, KNOWN[parent.tagName]!);
        const hint = near === undefined ? '' : `; did you mean <${near}>?`;
        reader.notes.push(`${place}<${tag}>: not known and ignored${hint}`);
      }
    }
  };
  visit(robot, '');
  if (ignored.size > 0) reader.notes.push(`xacro was not expanded; ignored: ${[...ignored].join(', ')}`);
}

/** What of the mechanics an unexpanded call or condition would have made; null when nothing. */
function madeBy(call: XmlElement, macros: ReadonlyMap<string, XmlElement>): string | null {
  const isBlock = ['xacro:if', 'xacro:unless'].includes(call.tagName);
  const body = isBlock ? call : macros.get(call.tagName.slice('xacro:'.length));
  if (body === undefined) return 'what its macro holds, which is not in this file';
  const made = elements(body).find(({ tagName }) => !SILENT.has(tagName) && !DECLARATIONS.has(tagName));
  return made === undefined ? null : `<${made.tagName}>`;
}
