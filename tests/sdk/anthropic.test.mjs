// npm `@anthropic-ai/sdk`: messages and models.
import Anthropic from "@anthropic-ai/sdk";
import assert from "node:assert/strict";
import { test } from "node:test";
import { breaking, calling, key, model, real, slowly, url } from "./told.mjs";

const client = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });
const ask = (content) => ({ model, max_tokens: 100, messages: [{ role: "user", content }] });
const tools = [{ name: "weather", description: "d", input_schema: { type: "object", properties: { city: { type: "string" } } } }];

test("messages: whole and streamed are the same answer", async () => {
  const asked = { ...ask("hello"), model: real, max_tokens: 5, temperature: 0, system: "Short." };
  const whole = await client.messages.create(asked);
  assert.equal(whole.stop_reason, "max_tokens");
  assert.equal(whole.usage.output_tokens, 5);
  const streamed = await client.messages.stream(asked).finalMessage();
  assert.deepEqual(streamed.content, whole.content);
  assert.equal(streamed.usage.output_tokens, 5);
  const input = ({ usage }) => usage.input_tokens + usage.cache_read_input_tokens;
  assert.equal(input(streamed), input(whole));
});

test("messages: a conversation with a tool", async () => {
  const first = await client.messages.stream({ ...ask(calling), tools }).finalMessage();
  assert.equal(first.stop_reason, "tool_use");
  const use = first.content.at(-1);
  assert.deepEqual([use.type, use.name, use.input], ["tool_use", "weather", { city: "Odense" }]);
  const whole = await client.messages.create({ ...ask(calling), tools });
  assert.deepEqual(whole.content.at(-1).input, use.input);
  const second = await client.messages.create({
    ...ask(calling),
    tools,
    messages: [
      { role: "user", content: calling },
      { role: "assistant", content: first.content },
      { role: "user", content: [{ type: "tool_result", tool_use_id: use.id, content: "rain" }] },
    ],
  });
  assert.equal(second.stop_reason, "end_turn");
  assert.match(second.content[0].text, /piece0 piece1/);
});

test("messages: both kinds of key, and the list of models", async () => {
  const bearer = new Anthropic({ baseURL: url, authToken: key, apiKey: null, maxRetries: 0 });
  assert.equal((await bearer.messages.create(ask("hello"))).role, "assistant");
  const names = [];
  for await (const entry of client.models.list({ limit: 1 })) names.push(entry.id);
  assert.deepEqual(names.sort(), [real, model].sort());
  assert.equal((await client.models.retrieve(real)).display_name, real);
});

test("messages: tokens are counted as the answer's usage counts them", async () => {
  const asked = { model: real, messages: [{ role: "user", content: "hello, how are you?" }], system: "Short." };
  const counted = await client.messages.countTokens(asked);
  const { usage } = await client.messages.create({ ...asked, max_tokens: 1 });
  assert.equal(counted.input_tokens, usage.input_tokens + usage.cache_read_input_tokens);
});

test("messages: errors are the SDK's own", async () => {
  const wrong = new Anthropic({ baseURL: url, apiKey: "sk-wrong", maxRetries: 0 });
  await assert.rejects(wrong.messages.create(ask("u")), Anthropic.AuthenticationError);
  await assert.rejects(client.messages.create({ ...ask("u"), model: "none" }), Anthropic.NotFoundError);
  await assert.rejects(client.messages.create({ ...ask("u"), max_tokens: 0 }), (error) => {
    assert.ok(error instanceof Anthropic.BadRequestError);
    assert.equal(error.error.error.type, "invalid_request_error");
    assert.match(error.requestID, /^req_/);
    return true;
  });
  await assert.rejects(client.messages.countTokens({ model, messages: [{ role: "user", content: "u" }] }), Anthropic.BadRequestError);
  await assert.rejects(client.messages.stream(ask(breaking)).finalMessage(), Anthropic.APIError);
});

test("messages: leaving in mid-stream", async () => {
  const stream = client.messages.stream(ask(slowly("leaves-anthropic")));
  for await (const event of stream) if (event.type === "content_block_delta") break;
  stream.abort();
});
