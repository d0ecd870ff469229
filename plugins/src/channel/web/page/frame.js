// The page inside another site's frame. The site keeps the token, because browsers forget what a frame stores; only sites
// that the configuration names can show the page at all, so whoever is above is one of them.
export const isFramed = window.parent !== window;

let site = null;

/** Tells the site; before it has spoken there is nobody to tell. */
export const tellSite = (what) => { if (site) window.parent.postMessage({ kefu: what.is, ...what }, site); };

/** What the site says of its visitor: { token, from, name }; empty where it does not speak. */
export function meetSite() {
  if (!isFramed) return Promise.resolve({});
  return new Promise((resolve) => {
    const wait = setTimeout(() => resolve({}), 1500);
    window.addEventListener('message', (event) => {
      if (event.source !== window.parent || event.data?.kefu !== 'hello') return;
      site = event.origin;
      clearTimeout(wait);
      const { token, from, name } = event.data;
      resolve({ token, from, name });
    });
    // Says nothing about anybody, so anybody may hear it.
    window.parent.postMessage({ kefu: 'ready' }, '*');
  });
}
