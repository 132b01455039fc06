// Short messages at the edge of the page. One that offers a way back stays long enough to be reached by keyboard.
export interface Toast {
  id: number;
  text: string;
  action: { label: string; run: () => void; focus: boolean } | null;
  timer: ReturnType<typeof setTimeout> | null;
  left_ms: number;
  started_at: number;
  gone: () => void;
}

const shown_ms = 10_000;
let next_id = 1;

class Toasts {
  all = $state<Toast[]>([]);

  /** `gone` is called once, when the toast leaves without its action having been taken. */
  show(text: string, action: Toast['action'] = null, gone: () => void = () => {}) {
    const toast: Toast = { id: next_id++, text, action, timer: null, left_ms: shown_ms, started_at: 0, gone };
    this.all.push(toast);
    this.resume(toast.id);
  }

  pause(id: number) {
    const toast = this.find(id);
    if (!toast?.timer) return;
    clearTimeout(toast.timer);
    toast.timer = null;
    toast.left_ms = Math.max(2_000, toast.left_ms - (Date.now() - toast.started_at));
  }

  resume(id: number) {
    const toast = this.find(id);
    if (!toast || toast.timer) return;
    toast.started_at = Date.now();
    toast.timer = setTimeout(() => this.dismiss(id), toast.left_ms);
  }

  dismiss(id: number) {
    this.take(id)?.gone();
  }

  act(id: number) {
    this.take(id)?.action?.run();
  }

  dismiss_all() {
    for (const toast of [...this.all]) this.dismiss(toast.id);
  }

  private find(id: number) {
    return this.all.find((each) => each.id === id);
  }

  private take(id: number) {
    const toast = this.find(id);
    if (!toast) return null;
    if (toast.timer) clearTimeout(toast.timer);
    this.all = this.all.filter((each) => each.id !== id);
    return toast;
  }
}

export const toasts = new Toasts();
