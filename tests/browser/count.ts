// The last line says how many passed. A test that was not reached has not passed.
import type { FullConfig, Reporter, Suite, TestCase, TestResult } from '@playwright/test/reporter';

export default class Count implements Reporter {
  private readonly ends = new Map<string, TestResult['status']>();

  onBegin(_: FullConfig, suite: Suite) {
    for (const test of suite.allTests()) this.ends.set(test.id, 'interrupted');
  }

  onTestEnd(test: TestCase, result: TestResult) {
    this.ends.set(test.id, result.status);
  }

  onExit() {
    const all = [...this.ends.values()];
    const passed = all.filter((each) => each === 'passed').length;
    const skipped = all.filter((each) => each === 'skipped').length;
    console.log(`${passed} passed, ${all.length - passed - skipped} failed, ${skipped} skipped`);
    return Promise.resolve();
  }
}
