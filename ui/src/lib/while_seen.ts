/** Calls every so often while the page is looked at, and when somebody comes back to it; never while a call is under way. */
export function while_seen(load: () => Promise<void>, every_ms: number): () => void {
  let loading = false;
  const again = () => {
    if (loading || document.visibilityState !== 'visible') return;
    loading = true;
    void load().finally(() => (loading = false));
  };
  const timer = setInterval(again, every_ms);
  document.addEventListener('visibilitychange', again);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', again);
  };
}
