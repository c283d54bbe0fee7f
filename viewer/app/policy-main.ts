/** The page of an exported policy: simulates its robot and lets the policy act, from what stands inside the page. */

import { decodePageData } from '../../policy/export/page-data.ts';
import { byId, setText } from './dom.ts';
import { Page } from './page.ts';
import { withRepair } from './recordings.ts';
import { Simulation } from './simulation.ts';
import { startPage } from './start-page.ts';

byId('hud', HTMLElement).hidden = true;
setText(byId('empty', HTMLElement), 'Starting the simulation…');
try {
  const data = decodePageData(byId('policy', HTMLScriptElement).text);
  startPage(new Page((handlers) => new Simulation(data, handlers)));
} catch (error) {
  setText(byId('empty', HTMLElement), withRepair(error));
}
