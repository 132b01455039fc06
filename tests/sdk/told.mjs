// What every script is told by its caller, and what the fake engine does on demand (tests/e2e/fake_engine.py).
export const url = process.env.FAELLED_URL;
export const key = process.env.FAELLED_KEY;
export const model = "fake"; // fails on demand
export const real = "chat"; // a llama-server

export const order = (what) => JSON.stringify(what);
export const slowly = (word) => order({ do: "stream", pieces: 200, gap_s: 0.05, say: `${word} ` });
export const breaking = order({ do: "break", pieces: 2 });
export const calling = order({ do: "call", name: "weather", arguments: '{"city": "Odense"}' });
