import './ui/base.css';
import './ui/controls.css';
import './app/app.css';
import './chat/composer.css';
import './chat/messages.css';
import './chat/settings.css';
import './chat/welcome.css';
import './markdown/markdown.css';
import './model/model.css';
import './runs/runs.css';
import { render } from 'preact';
import { App } from './app/app';
import { followAddress } from './app/router';
import { startServices } from './app/services';
import { listenForShortcuts } from './app/shortcuts';

const root = document.getElementById('app');
if (root) {
  followAddress();
  startServices();
  listenForShortcuts();
  render(<App />, root);
}
