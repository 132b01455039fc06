"""An OpenAI-compatible engine that fails on demand, for what the real one cannot be made to do.

The last user message (or prompt, or input) may be a JSON object that says what to do:
  {"do": "stream", "pieces": 5, "gap_s": 0}    answers; streamed with a pause after each piece
  {"do": "stream", "pieces": 5, "hold": 2}     after two pieces it waits for release()
  {"do": "stream", "after_s": 2}               not streamed: answers so much later
  {"do": "silent"}                             takes the request and says nothing
  {"do": "open"}                               answers with a stream's head, then says nothing
  {"do": "stall", "pieces": 2}                 some pieces, then nothing, connection open
  {"do": "break", "pieces": 2}                 some pieces, then the connection is reset
  {"do": "no_done", "pieces": 2}               some pieces, then a proper end without [DONE] (a dying vLLM)
  {"do": "error_event", "pieces": 2}           some pieces, an error event, then [DONE] (vLLM 0.32, worker killed)
  {"do": "garbage"}                            200 with what is not JSON
  {"do": "status", "status": 500}              an error
  {"do": "call", "name": "f", "arguments": "{}"}  calls a tool; streamed in two pieces
Anything else is answered with three pieces. It keeps what it was asked, and sees who hangs up."""

import asyncio
import json
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Call:
    path: str
    headers: dict
    body: bytes
    begun: float = field(default_factory=time.monotonic)
    hung_up: float = 0.0  # when the gateway left before the answer was whole
    ended: bool = False

    @property
    def json(self):
        return json.loads(self.body)


class FakeEngine:
    def __init__(self, port=0, tls=None):
        self.port = port
        self.tls = tls  # an ssl.SSLContext; may be another between two connections
        self.calls = []
        self.models_asked = 0
        self.connections = 0
        self.loop = asyncio.new_event_loop()
        self.released = asyncio.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.started = threading.Event()
        self.thread.start()
        assert self.started.wait(10)

    def run(self):
        asyncio.set_event_loop(self.loop)

        async def serve():
            self.server = await asyncio.start_server(self.connection, "127.0.0.1", self.port, backlog=1024,
                                                     ssl=self.tls)
            self.port = self.server.sockets[0].getsockname()[1]

        self.loop.run_until_complete(serve())
        self.started.set()
        self.loop.run_forever()
        self.server.close()
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self.loop.close()

    def release(self):
        """What is held goes on; what is held from now on waits for the next time."""
        def at_once():
            self.released.set()
            self.released = asyncio.Event()
        self.loop.call_soon_threadsafe(at_once)

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    @property
    def url(self):
        return f"https://localhost:{self.port}/v1" if self.tls else f"http://127.0.0.1:{self.port}/v1"

    def model(self, model_id="fake", concurrency=8, **more):
        return {"id": model_id, "engine": "openai", "url": self.url, "upstream_model": "inner", "concurrency": concurrency,
                **more}

    def busy(self):
        """Calls under way: neither answered nor left."""
        return [call for call in list(self.calls) if not call.ended and not call.hung_up]

    def calls_about(self, word):
        return [call for call in list(self.calls) if word.encode() in call.body]

    async def connection(self, reader, writer):
        self.connections += 1
        ahead = b""  # of the next request
        try:
            while True:
                head = ahead + await reader.readuntil(b"\r\n\r\n")
                ahead = b""
                request, *lines = head.decode("latin-1").split("\r\n")[:-2]
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                method, path, _ = request.split(" ")
                if method == "GET":
                    self.models_asked += 1
                    await self.whole(writer, 200, {"object": "list", "data": [{"id": "inner", "object": "model"}]})
                    continue
                call = Call(path, headers, body)
                self.calls.append(call)
                ahead = await self.serve(call, reader, writer)
                if ahead is None:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.connections -= 1
            writer.close()

    async def serve(self, call, reader, writer):
        """What came of the next request meanwhile; None where the gateway left or the connection is spoilt. Nothing comes
        before the answer's end, so a read that returns earlier means that somebody hung up."""
        answer = asyncio.ensure_future(self.answer(call, writer))
        left = asyncio.ensure_future(reader.read(1))
        await asyncio.wait({answer, left}, return_when=asyncio.FIRST_COMPLETED)
        # A gateway that leaves while a piece is being sent ends the answer too: as a failure to send.
        if not answer.done() or isinstance(answer.exception(), OSError):
            call.hung_up = time.monotonic()
        call.ended = not call.hung_up
        for task in (answer, left):
            if not task.done():
                task.cancel()
        said, read = await asyncio.gather(answer, left, return_exceptions=True)
        if said is not True or read == b"" or isinstance(read, OSError):
            return None
        return read if isinstance(read, bytes) else b""

    @staticmethod
    async def whole(writer, status, value):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()

    async def answer(self, call, writer):
        asked = call.json
        text = asked.get("prompt", asked.get("input", ""))
        if "messages" in asked:
            text = asked["messages"][-1]["content"]
        try:
            todo = json.loads(text)
            todo = todo if isinstance(todo, dict) and "do" in todo else {"do": "stream"}
        except (TypeError, ValueError):
            todo = {"do": "stream"}
        if todo["do"] == "silent":
            await asyncio.Event().wait()
        if todo["do"] == "status":
            await self.whole(writer, todo["status"], {"error": {"message": "as asked", "type": "x", "code": todo["status"]}})
            return True
        if todo["do"] == "garbage":
            await self.whole(writer, 200, b"<html>not what you expect</html>")
            return True
        if call.path.endswith("/embeddings"):
            await self.whole(writer, 200, {"object": "list", "model": "inner", "usage": {"prompt_tokens": 3, "total_tokens": 3},
                                           "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -0.5]}]})
            return True
        if call.path.endswith("/rerank"):  # the later, the better
            results = [{"index": number, "relevance_score": number / 10} for number in range(len(asked["documents"]))]
            await self.whole(writer, 200, {"results": results, "usage": {"total_tokens": 5}})
            return True
        pieces = todo.get("pieces", 3)
        if todo["do"] == "call":
            return await self.call(writer, todo, asked.get("stream", False))
        if asked.get("stream"):
            return await self.stream(call, writer, todo, pieces)
        words = " ".join(f"piece{number}" for number in range(pieces))
        chat = call.path.endswith("/chat/completions")
        choice = {"message": {"role": "assistant", "content": words}} if chat else {"text": words}
        if todo["do"] == "break":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"id\":")
            await writer.drain()
            return False
        await asyncio.sleep(todo.get("after_s", 0))
        await self.whole(writer, 200, {"id": "x", "object": "chat.completion" if chat else "text_completion", "created": 1,
                                       "model": "inner", "choices": [{"index": 0, "finish_reason": "stop", "logprobs": None, **choice}],
                                       "usage": {"prompt_tokens": 7, "completion_tokens": pieces, "total_tokens": 7 + pieces}})
        return True

    async def call(self, writer, todo, stream):
        """A tool call, as an engine tells it."""
        name, arguments = todo["name"], todo["arguments"]
        usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
        head = {"id": "x", "created": 1, "model": "inner"}
        tool = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments}}
        if not stream:
            message = {"role": "assistant", "content": None, "tool_calls": [tool]}
            choice = {"index": 0, "finish_reason": "tool_calls", "logprobs": None, "message": message}
            await self.whole(writer, 200, {**head, "object": "chat.completion", "choices": [choice], "usage": usage})
            return True
        half = len(arguments) // 2
        deltas = [{"role": "assistant", "content": None},
                  {"tool_calls": [{"index": 0, **tool, "function": {"name": name, "arguments": ""}}]},
                  {"tool_calls": [{"index": 0, "function": {"arguments": arguments[:half]}}]},
                  {"tool_calls": [{"index": 0, "function": {"arguments": arguments[half:]}}]}]
        choices = [[{"index": 0, "delta": delta, "finish_reason": None}] for delta in deltas]
        choices.append([{"index": 0, "delta": {}, "finish_reason": "tool_calls"}])
        chunks = [{**head, "object": "chat.completion.chunk", "choices": choice} for choice in choices]
        chunks.append({**head, "object": "chat.completion.chunk", "choices": [], "usage": usage})
        text = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
        body = text.encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n")
        await writer.drain()
        return True

    async def stream(self, call, writer, todo, pieces):
        chat = call.path.endswith("/chat/completions")

        async def send(data):
            writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            await writer.drain()

        def chunk(text, finish=None):
            choice = {"delta": {"content": text} if text else {}} if chat else {"text": text}
            value = {"id": "x", "object": "chat.completion.chunk" if chat else "text_completion", "created": 1, "model": "inner",
                     "choices": [{"index": 0, "finish_reason": finish, **choice}]}
            return b"data: " + json.dumps(value).encode() + b"\n\n"

        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        await writer.drain()
        if todo["do"] == "open":
            await asyncio.Event().wait()
        for number in range(pieces):
            await send(chunk(todo.get("say", f"piece{number} ")))
            if gap_s := todo.get("gap_s", 0):
                await asyncio.sleep(gap_s)
            if number + 1 == todo.get("hold"):
                await self.released.wait()
        if todo["do"] == "stall":
            await asyncio.Event().wait()
        if todo["do"] == "break":
            writer.transport.abort()
            return False
        if todo["do"] == "error_event":
            await send(b'data: {"error":{"message":"worker died","type":"InternalServerError","param":null,"code":500}}\n\n')
        elif todo["do"] != "no_done":
            await send(chunk("", "stop"))
            usage = {"prompt_tokens": 7, "completion_tokens": pieces, "total_tokens": 7 + pieces}
            await send(b"data: " + json.dumps({"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "inner",
                                               "choices": [], "usage": usage}).encode() + b"\n\n")
        if todo["do"] != "no_done":
            await send(b"data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True
