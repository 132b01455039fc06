// A reader who sees nothing: knows the page by Chromium's accessibility tree alone, walks it in its order and acts by
// keyboard on what was announced. What is not in the tree, or has no name, does not exist here.
import { expect, type CDPSession, type Page } from '@playwright/test';

interface AXValue {
  value?: unknown;
}
interface AXNode {
  nodeId: string;
  ignored: boolean;
  role?: AXValue;
  name?: AXValue;
  value?: AXValue;
  description?: AXValue;
  properties?: { name: string; value: AXValue }[];
  parentId?: string;
  childIds?: string[];
  backendDOMNodeId?: number;
}

export interface Heard {
  role: string;
  name: string;
  value: string;
  description: string;
  state: Record<string, unknown>;
  node: number;
}

const patience_ms = 20_000;

export class Reader {
  private constructor(
    private readonly page: Page,
    private readonly cdp: CDPSession,
  ) {}

  static async of(page: Page): Promise<Reader> {
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('Accessibility.enable');
    await cdp.send('DOM.enable');
    return new Reader(page, cdp);
  }

  /** All that is announced, in reading order. Behind a modal dialog the rest is not there. */
  async all(): Promise<Heard[]> {
    const { nodes } = (await this.cdp.send('Accessibility.getFullAXTree')) as { nodes: AXNode[] };
    const by_id = new Map(nodes.map((node) => [node.nodeId, node]));
    const heard: Heard[] = [];
    const walk = (node: AXNode | undefined) => {
      if (!node) return;
      const role = String(node.role?.value ?? '');
      if (!node.ignored && role !== 'none' && role !== 'generic') {
        heard.push({
          role,
          name: String(node.name?.value ?? '').trim(),
          value: String(node.value?.value ?? ''),
          description: String(node.description?.value ?? ''),
          state: Object.fromEntries((node.properties ?? []).map((each) => [each.name, each.value.value])),
          node: node.backendDOMNodeId ?? 0,
        });
      }
      for (const id of node.childIds ?? []) walk(by_id.get(id));
    };
    walk(nodes.find((node) => node.parentId === undefined));
    return heard;
  }

  /** Reads on until something of this role and name is announced. */
  async hears(role: string, name: string | RegExp): Promise<Heard> {
    const fits = (each: Heard) => each.role === role && (typeof name === 'string' ? each.name === name : name.test(each.name));
    let found: Heard | undefined;
    await expect
      .poll(async () => (found = (await this.all()).find(fits)) !== undefined, { timeout: patience_ms, message: `a ${role} named ${name} is announced` })
      .toBe(true);
    return found as Heard;
  }

  /** What is announced without having been looked for: the words of live regions. */
  async is_told(words: string | RegExp) {
    await expect
      .poll(
        async () => {
          const live = await this.page.locator('[role=status], [role=alert], [aria-live]').allInnerTexts();
          return live.some((each) => (typeof words === 'string' ? each.includes(words) : words.test(each)));
        },
        { timeout: patience_ms, message: `a live region says ${words}` },
      )
      .toBe(true);
  }

  async goes_to(role: string, name: string | RegExp): Promise<Heard> {
    const found = await this.hears(role, name);
    await this.cdp.send('DOM.focus', { backendNodeId: found.node });
    return found;
  }

  async presses(role: string, name: string | RegExp, key = 'Enter') {
    await this.goes_to(role, name);
    await this.page.keyboard.press(key);
  }

  async writes(name: string | RegExp, text: string, role = 'textbox') {
    await this.goes_to(role, name);
    await this.page.keyboard.press('ControlOrMeta+a');
    await this.page.keyboard.type(text);
  }

  /** What has the focus, as it is announced. */
  async focus(): Promise<Heard | undefined> {
    return (await this.all()).find((each) => each.state.focused === true && each.role !== 'RootWebArea');
  }
}
