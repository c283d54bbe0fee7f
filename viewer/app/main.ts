/** The viewer's page: shows what the server that it came from has to show. */

import { Page } from './page.ts';
import { startPage } from './start-page.ts';

startPage(new Page());
