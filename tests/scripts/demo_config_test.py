"""What ./run writes into the data folder, what it leaves alone, and what it says when the server is ready."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHELL = """
root="$1"; source "$1/scripts/common.sh"; source "$1/scripts/setup.sh"; source "$1/scripts/demo_config.sh"
FAELLED_LLAMA_SERVER="/opt/llama server"; FAELLED_MODEL="/models/$model_file"
need_config "$2" "$3" "$4"
"""


@pytest.fixture
def data(tmp_path):
    return tmp_path


def need_config(data, port="", model=""):
    done = subprocess.run(["bash", "-c", SHELL, "-", str(ROOT), str(data), port, model], capture_output=True, text=True)
    text = (data / "faelled.yaml").read_text() if (data / "faelled.yaml").exists() else ""
    return done, text


def test_writes_a_file_for_the_small_model_and_says_what_it_is(data):
    done, text = need_config(data)
    assert done.returncode == 0, done.stderr
    assert "listen: 127.0.0.1:9400" in text
    assert "id: gemma-3-270m" in text and "demo: true" in text and r'stop: ["\nPerson:"]' in text
    assert 'llama_server: "/opt/llama server"' in text
    assert "Ikke til arbejde" in text and "Not for work" in text


def test_a_later_run_moves_port_and_model_apart(data, tmp_path):
    model = tmp_path / "My Better Model.Q8.gguf"
    model.touch()
    need_config(data, port="9500")
    _, text = need_config(data, model=str(model))
    assert "listen: 127.0.0.1:9500" in text
    assert "id: my-better-model.q8\n" in text and f'file: "{model}"' in text
    assert "demo: true" not in text
    _, text = need_config(data, port="0")
    assert "listen: 127.0.0.1:0" in text and f'file: "{model}"' in text


def test_leaves_a_file_alone_that_was_changed_by_hand(data):
    need_config(data)
    path = data / "faelled.yaml"
    path.write_text(path.read_text() + "log: { level: debug }\n")
    _, text = need_config(data, port="9600")
    assert "log: { level: debug }" in text and "listen: 127.0.0.1:9600" in text
    path.write_text(text.replace("listen: 127.0.0.1:9600", "listen: 0.0.0.0:8443"))
    _, text = need_config(data, port="8444")
    assert "listen: 0.0.0.0:8444" in text, "the address is whose who wrote it"
    path.write_text(text.replace("listen: 0.0.0.0:8444", "listen: 0.0.0.0:8444  # why: see above"))
    _, text = need_config(data, port="8445")
    assert "listen: 0.0.0.0:8445  # why: see above\n" in text, "not what stands behind it"
    path.write_text(text.replace("listen: 0.0.0.0:8445  # why: see above\n", ""))
    _, text = need_config(data, port="9601")
    assert text.splitlines()[0] == "listen: 127.0.0.1:9601", "where the file says nothing of it"
    done, after = need_config(data, model="/other.gguf")
    assert done.returncode == 1 and "was changed by hand" in done.stderr
    assert after == text


def test_a_model_that_has_gone_is_said_and_nothing_takes_its_place(data, tmp_path):
    model = tmp_path / "mine.gguf"
    model.touch()
    _, before = need_config(data, model=str(model))
    model.unlink()
    done, after = need_config(data, port="9500")
    assert done.returncode == 1 and after == before
    assert str(model) in done.stderr and "--model FILE" in done.stderr
    model.touch()
    assert need_config(data)[0].returncode == 0


def test_the_small_model_is_taken_from_where_the_cache_is_now(data):
    _, text = need_config(data)
    (data / "faelled.yaml").write_text(text.replace('"/models/', '"/old/'))
    subprocess.run(["bash", "-c", 'sha256sum "$1/faelled.yaml" | cut -c1-64 >"$1/.faelled.yaml.sha256"', "-", str(data)], check=True)
    done, text = need_config(data)
    assert done.returncode == 0 and 'file: "/models/' in text


def test_a_name_with_quotes_and_backslashes_stays_what_it_is(data, tmp_path):
    model = tmp_path / r'a "good" \ one".gguf'
    model.touch()
    _, first = need_config(data, model=str(model))
    done, second = need_config(data, port="9500")
    assert done.returncode == 0, done.stderr
    assert second == first.replace(":9400", ":9500")


def test_greets_with_an_address_a_link_a_key_and_a_curl_line():
    ready = '{"url":"http://127.0.0.1:9400","sign_in":"http://127.0.0.1:9400/sign-in#abc","key":"sk-x","model":"small"}\n'
    done = subprocess.run([str(ROOT / "scripts/greet.sh")], input=ready, capture_output=True, text=True, timeout=10)
    assert "http://127.0.0.1:9400/sign-in#abc" in done.stdout
    curl = next(line for line in done.stdout.splitlines() if line.strip().startswith("curl "))
    words = subprocess.run(["bash", "-c", f"printf '%s\\n' {curl.strip().removeprefix('curl ')}"], capture_output=True,
                           text=True, check=True).stdout.splitlines()
    assert words[0] == "http://127.0.0.1:9400/v1/chat/completions"
    assert "Authorization: Bearer sk-x" in words and words[-1].startswith('{"model":"small"')


def test_greets_nobody_when_the_server_never_became_ready():
    done = subprocess.run([str(ROOT / "scripts/greet.sh")], input="", capture_output=True, text=True, timeout=10)
    assert done.returncode == 0 and done.stdout == ""
