// npm `openai`: chat and responses.
import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { breaking, calling, key, model, real, slowly, url } from "./told.mjs";

const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };

test("chat: whole and streamed", async () => {
  const messages = [{ role: "user", content: "hello" }];
  const whole = await client.chat.completions.create({ model: real, messages, max_tokens: 5, seed: 1, temperature: 0 });
  assert.equal(whole.usage.completion_tokens, 5);
  const stream = await client.chat.completions.create({ model: real, messages, max_tokens: 5, seed: 1, temperature: 0, stream: true });
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
  assert.equal(text, whole.choices[0].message.content);
});

test("chat: a tool is called and its result read", async () => {
  const tools = [{ type: "function", function: { name: "weather", description: "d", parameters: schema } }];
  const runner = client.chat.completions.runTools({
    model,
    messages: [{ role: "user", content: calling }],
    tools: [{ ...tools[0], function: { ...tools[0].function, parse: JSON.parse, function: ({ city }) => `rain in ${city}` } }],
  });
  assert.match(await runner.finalContent(), /piece0/);
  const results = runner.messages.filter((message) => message.role === "tool");
  assert.deepEqual(results.map((message) => message.content), ["rain in Odense"]);
});

test("responses: whole and streamed are the same answer", async () => {
  const asked = { model: real, input: "hello", max_output_tokens: 5, temperature: 0, metadata: { a: "b" } };
  const whole = await client.responses.create(asked);
  assert.equal(whole.status, "incomplete");
  assert.equal(whole.incomplete_details.reason, "max_output_tokens");
  assert.equal(whole.usage.output_tokens, 5);
  assert.equal(whole.store, false);
  assert.deepEqual(whole.metadata, { a: "b" });
  const seen = [];
  const stream = client.responses.stream(asked);
  stream.on("event", (event) => seen.push(event));
  const last = await stream.finalResponse();
  assert.equal(last.output_text, whole.output_text);
  assert.deepEqual(seen.map((event) => event.sequence_number), seen.map((_, place) => place));
  assert.equal(seen.at(0).type, "response.created");
  assert.equal(seen.at(-1).type, "response.incomplete");
});

test("responses: a conversation with a tool", async () => {
  const tools = [{ type: "function", name: "weather", description: "d", parameters: schema, strict: false }];
  const input = [{ role: "user", content: calling }];
  const first = await client.responses.stream({ model, input, tools }).finalResponse();
  const [call] = first.output;
  assert.equal(call.type, "function_call");
  assert.deepEqual(JSON.parse(call.arguments), { city: "Odense" });
  const whole = await client.responses.create({ model, input, tools });
  assert.equal(whole.output[0].arguments, call.arguments);
  const again = [...input, ...first.output, { type: "function_call_output", call_id: call.call_id, output: "rain" }];
  const second = await client.responses.create({ model, input: again, tools });
  assert.equal(second.status, "completed");
  assert.match(second.output_text, /piece0 piece1/);
});

test("responses: errors are the SDK's own", async () => {
  const wrong = new OpenAI({ baseURL: `${url}/v1`, apiKey: "sk-wrong", maxRetries: 0 });
  await assert.rejects(wrong.responses.create({ model, input: "u" }), OpenAI.AuthenticationError);
  await assert.rejects(client.responses.create({ model: "none", input: "u" }), OpenAI.NotFoundError);
  await assert.rejects(client.responses.create({ model, input: "u", previous_response_id: "resp_1" }), (error) => {
    assert.ok(error instanceof OpenAI.BadRequestError);
    assert.equal(error.param, "previous_response_id");
    assert.match(error.message, /not stored/);
    return true;
  });
  await assert.rejects(client.responses.retrieve("resp_1"), OpenAI.NotFoundError);
  await assert.rejects(async () => {
    for await (const event of await client.responses.create({ model, input: breaking, stream: true }))
      assert.notEqual(event.type, "response.completed");
  }, OpenAI.APIError);
});

test("responses: leaving in mid-stream", async () => {
  const stream = await client.responses.create({ model, input: slowly("leaves-openai"), stream: true });
  for await (const event of stream) if (event.type === "response.output_text.delta") break;
});
