// npm `ai` with `@ai-sdk/openai-compatible`: what chat front ends in TypeScript are built on.
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateText, isStepCount, streamText, tool } from "ai";
import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { breaking, calling, key, model, real, slowly, url } from "./told.mjs";

const faelled = createOpenAICompatible({ name: "faelled", baseURL: `${url}/v1`, apiKey: key, includeUsage: true });
const ask = (prompt, name = model) => ({ model: faelled(name), prompt, maxRetries: 0 });

test("whole and streamed are the same answer", async () => {
  const asked = { ...ask("hello", real), maxOutputTokens: 5, temperature: 0 };
  const whole = await generateText(asked);
  assert.equal(whole.finishReason, "length");
  assert.equal(whole.usage.outputTokens, 5);
  const streamed = streamText(asked);
  let text = "";
  for await (const more of streamed.textStream) text += more;
  assert.equal(text, whole.text);
  assert.equal((await streamed.usage).outputTokens, 5);
});

test("a tool is called and its result read", async () => {
  const cities = [];
  const weather = tool({
    description: "d",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => {
      cities.push(city);
      return "rain";
    },
  });
  const streamed = streamText({ ...ask(calling), tools: { weather }, stopWhen: isStepCount(2) });
  assert.match(await streamed.text, /piece0 piece1/);
  const whole = await generateText({ ...ask(calling), tools: { weather }, stopWhen: isStepCount(2) });
  assert.match(whole.text, /piece0 piece1/);
  assert.deepEqual(cities, ["Odense", "Odense"]);
});

test("errors are the SDK's own", async () => {
  await assert.rejects(generateText(ask("u", "none")), (error) => {
    assert.ok(APICallError.isInstance(error));
    assert.equal(error.statusCode, 404);
    return true;
  });
  const errors = [];
  const streamed = streamText({ ...ask(breaking), onError: ({ error }) => errors.push(error) });
  for await (const part of streamed.fullStream) assert.notEqual(part.finishReason, "stop");
  assert.equal(errors.length, 1);
});

test("leaving in mid-stream", async () => {
  const leave = new AbortController();
  const streamed = streamText({ ...ask(slowly("leaves-ai")), abortSignal: leave.signal, onError: () => {} });
  for await (const more of streamed.textStream) if (more) break;
  leave.abort();
});
