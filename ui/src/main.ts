import { mount } from 'svelte';
import App from './App.svelte';

const target = document.getElementById('app');
if (target) {
  target.replaceChildren(); // what index.html shows until the script is here
  mount(App, { target });
}
