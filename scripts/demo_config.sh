# shellcheck shell=bash disable=SC2154
# Writes DATA/faelled.yaml for ./run. What the operator has changed by hand is theirs and stays. Sourced after setup.sh.

yaml_text() {
  local text="${1//\\/\\\\}"
  printf '"%s"' "${text//\"/\\\"}"
}

# What yaml_text wrote, read back.
text_of_yaml() { printf '%s\n' "$1" | sed 's/\\\(["\\]\)/\1/g'; }

card_of_small_model() {
  cat <<'YAML'
    demo: true
    card:
      da:
        summary: "Meget lille grundmodel (270 mio. parametre), ikke trænet til samtale."
        good_for: "At vise, at vejen virker fra browser til model. Ikke til arbejde: svarene er ofte forkerte."
        where: "På denne maskine. Ingen ord forlader den."
      en:
        summary: "A very small base model (270 million parameters), not trained for conversation."
        good_for: "Showing that the way from browser to model works. Not for work: its answers are often wrong."
        where: "On this machine. No words leave it."
YAML
}

card_of_own_model() {
  cat <<'YAML'
    card:
      da: { summary: "Sat op af den, der driver denne maskine.", good_for: "Spørg den, der driver maskinen.", where: "På denne maskine. Ingen ord forlader den." }
      en: { summary: "Set up by whoever runs this machine.", good_for: "Ask whoever runs the machine.", where: "On this machine. No words leave it." }
YAML
}

# write_config FILE PORT MODEL_FILE
write_config() {
  local file="$1" port="$2" model="$3" id name threads=$((cores > 1 ? cores / 2 : 1))
  id="$(basename "$model" .gguf | tr '[:upper:] ' '[:lower:]-' | tr -cd '[:alnum:]._-')"
  name="$(basename "$model" .gguf)"
  if [[ "$(basename "$model")" == "$model_file" ]]; then
    id="gemma-3-270m"
    name="Gemma 3 270M (base)"
  fi
  {
    cat <<YAML
# Written by ./run. Change it as you like; ./run leaves a changed file alone. Every key: docs/configuration.md
listen: 127.0.0.1:$port
data: .
llama_server: $(yaml_text "$FAELLED_LLAMA_SERVER")
models:
  - id: ${id:-model}
    name: $(yaml_text "$name")
    engine: llama
    file: $(yaml_text "$model")
    concurrency: 4
    context_tokens: 4096
    threads: $threads
YAML
    if [[ "$id" == gemma-3-270m ]]; then
      echo "    chat_template_file: $(yaml_text "$root/share/templates/two-examples.jinja")"
      printf '%s\n' '    stop: ["\nPerson:"]'
      card_of_small_model
    else
      card_of_own_model
    fi
  } >"$file.new"
  mv "$file.new" "$file"
  sha256sum "$file" | cut -c1-64 >"$(dirname "$file")/.faelled.yaml.sha256"
}

# model_in FILE: the model of a file that ./run wrote. The small one is ours, and lies where the cache is now; any other is
# the operator's, and nothing takes its place.
model_in() {
  local model
  model="$(text_of_yaml "$(sed -n 's/^    file: "\(.*\)"$/\1/p' "$1")")"
  if [[ ! -r "$model" ]]; then
    [[ "$(basename "$model")" == "$model_file" ]] ||
      die "the model $model, which $1 names, is not there or may not be read; bring it back, or name another with --model FILE"
    model="$FAELLED_MODEL"
  fi
  printf '%s\n' "$model"
}

# set_port FILE PORT: in a file that was changed by hand, and may say nothing of where to listen.
set_port() {
  if grep -q '^listen:' "$1"; then
    sed -i "s/^\(listen:[^#]*:\)[0-9]*/\1$2/" "$1"
  else
    sed -i "1i listen: 127.0.0.1:$2" "$1"
  fi
}

# need_config DATA PORT MODEL_FILE: PORT and MODEL_FILE are empty where the command line names none.
need_config() {
  local file="$1/faelled.yaml" note="$1/.faelled.yaml.sha256" port="$2" model="$3"
  if [[ ! -f "$file" ]]; then
    write_config "$file" "${port:-9400}" "${model:-$FAELLED_MODEL}"
  elif [[ -f "$note" && "$(sha256sum "$file" | cut -c1-64)" == "$(<"$note")" ]]; then
    [[ -n "$port" ]] || port="$(sed -n 's/^listen: .*://p' "$file")"
    if [[ -z "$model" ]]; then model="$(model_in "$file")" || exit 1; fi
    write_config "$file" "$port" "$model"
  else
    [[ -z "$model" ]] || die "$file was changed by hand; name the model there, under models, or take the file away"
    [[ -z "$port" ]] || set_port "$file" "$port"
  fi
}
