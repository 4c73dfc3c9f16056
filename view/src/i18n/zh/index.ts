/** All texts in Chinese, one file a page. */
import type en from '../en'
import type { Same } from '..'
import app from './app'
import states from './states'
import overview from './overview'
import topics from './topics'
import topic from './topic'
import messages from './messages'
import scheduled from './scheduled'
import dead from './dead'
import clients from './clients'
import cluster from './cluster'
import settings from './settings'
import tryIt from './try'
import login from './login'

export default { app, states, overview, topics, topic, messages, scheduled, dead, clients, cluster, settings, tryIt, login } satisfies Same<typeof en>
