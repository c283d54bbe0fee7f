/**
 * A policy as one HTML file that simulates its robot and acts in it: the built page of viewer/app/policy-main.ts, with what it
 * is to show put inside. Knows no file.
 */

import { InputError } from '../../core/errors.ts';
import { encodePageData, type PageData } from './page-data.ts';

/** Where the data goes; the page finds it by this id. */
const PLACE = '<script type="application/json" id="policy"></script>';

/**
 * @param template the built page
 * @throws InputError for a task that the page does not have, and for a template that is none
 */
export function policyPage(template: string, data: PageData): string {
  if (data.recipe.module !== undefined) {
    throw new InputError(`task ${data.recipe.task} is in a module of your own, which a page cannot carry`, {
      repair: 'use --onnx or --json; landfall view shows your own tasks',
    });
  }
  const at = template.indexOf(PLACE);
  if (at < 0)
    throw new InputError('the built page has no place for a policy', { repair: 'build it again: npm run build' });
  const inside = at + PLACE.indexOf('</script>');
  return template.slice(0, inside) + encodePageData(data) + template.slice(inside);
}
