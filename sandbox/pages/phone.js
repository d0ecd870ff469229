// The phone: a customer, wherever they write: an official account, WeChat KF, a mini program. This file only finds the
// places there are and opens one; each kind of place is a module that describes itself to the shell.
import { api, t } from './common.js';
import { shell } from './shell.js';

// A kind's module exports `describe(place, state)`; see shell.js for what that returns.
const kinds = {
  wechat: () => import('./phone-wechat.js'),
  miniapp: () => import('./phone-mini.js'),
  kf: () => import('./phone-kf.js'),
};
const state = await api('GET', 'box/state');
const places = [
  ...state.accounts.map((account) => ({ id: account.inbox, kind: account.mini ? 'miniapp' : 'wechat', name: account.name, account })),
  ...(state.kf ?? []).map((account) => ({ id: account.open_kfid, kind: 'kf', name: account.name, account })),
].filter((place) => kinds[place.kind]).map((place) => ({ ...place, label: `${t(`place_${place.kind}`)} · ${place.name}` }));
const asked = new URLSearchParams(location.search).get('in') ?? sessionStorage.place;
const place = places.find((one) => one.id === asked || one.kind === asked) ?? places[0];
sessionStorage.place = place.id;
const { describe } = await kinds[place.kind]();
await shell(state, places, place, await describe(place, state));
