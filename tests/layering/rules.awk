# Reads C++ sources, with paths relative to the project's root, and prints "file:line: reason" for
# every #include that its layer must not have. The order of the layers is docs/architecture.md's.
BEGIN {
  layers = "base record control transport store gpu process runtime observe job cli"
  layer_count = split(layers, order)
  for (i = 1; i <= layer_count; ++i) place[order[i]] = i

  # Public headers belong to layers too, so that one cannot reach up through include/sluice.
  split("error base version base buffer record encoded_batch record codec record record record " \
        "batch record group record stage record continuous_stage record any_stage record process_stage process " \
        "remark base gpu gpu pipeline runtime model runtime run runtime registry job artifact store " \
        "sluice cli", pairs)
  for (i = 1; i in pairs; i += 2) public_layer[pairs[i]] = pairs[i + 1]

  # Third-party headers that one place alone may include.
  owner["^mpi(_|[.]h|[.]hpp|$)"] = "src/transport/mpi"
  owner["^(hdf5|H5)"] = "src/store/"
  owner["^curl/"] = "src/store/"
  owner["^archive"] = "src/store/"
  owner["^openssl/"] = "src/store/"
  owner["^(cuda|cublas|cudnn|nccl|nvtx|thrust|cub/)"] = "src/gpu/"
  owner["^toml"] = "src/job/"
  owner["^CLI/"] = "src/cli/"
  owner["^microhttpd"] = "src/observe/"
  owner["^hwloc"] = "src/runtime/machine"

  # Control is pure: given events and the time, it returns commands.
  impure = "^(thread|mutex|shared_mutex|condition_variable|future|semaphore|latch|barrier|atomic|" \
           "iostream|fstream|filesystem|ctime|csignal)$"
}

FNR == 1 { enter_file(FILENAME) }

/^[ \t]*#[ \t]*include[ \t]*[<"]/ { check_include($0) }

layer == "control" && /_clock::now/ { report("control code is given the time, it reads no clock") }

function enter_file(path,    parts) {
  layer = ""
  is_public = path ~ /^include\//
  if (is_public) {
    layer = layer_of_public(path)
  } else if (path ~ /^src\//) {
    split(path, parts, "/")
    layer = parts[2]
    if (!(layer in place)) {
      report("is in no layer; the layers are: " layers)
      layer = ""
    }
  }
}

function layer_of_public(path,    name) {
  name = path
  sub(/^(include\/)?sluice\//, "", name)
  sub(/[.]hpp$/, "", name)
  if (name in public_layer) return public_layer[name]
  report("<sluice/" name ".hpp> has no layer; give it one in tests/layering/rules.awk")
  return ""
}

function check_include(line,    header, quoted) {
  quoted = line ~ /include[ \t]*"/
  header = line
  sub(/^[^<"]*[<"]/, "", header)
  sub(/[>"].*$/, "", header)
  if (stray(header)) return
  if (header ~ /^sluice\//) {
    check_layer(layer_of_public(header), header)
  } else if (quoted) {
    check_quoted(header)
  } else {
    check_third_party(header)
  }
}

# True, and reported, if another place owns the header.
function stray(header,    pattern) {
  for (pattern in owner) {
    if (header ~ pattern && index(FILENAME, owner[pattern]) != 1) {
      report("only " owner[pattern] "* may include " header)
      return 1
    }
  }
  return 0
}

function check_quoted(header,    parts) {
  split(header, parts, "/")
  if (is_public) {
    report("public headers include each other as <sluice/…>, and nothing from src")
  } else if (parts[1] in place) {
    check_layer(parts[1], header)
  } else if (layer != "") {
    report("\"" header "\" is not written layer/file.hpp")
  }
}

function check_layer(target, header) {
  if (target == "" || layer == "") return
  if (place[target] > place[layer]) {
    report("layer " layer " must not include " header ", which is in " target ", a later layer")
  } else if (layer == "control" && target != "control" && header != "sluice/error.hpp") {
    report("control may include only control, <sluice/error.hpp> and std headers, not " header)
  }
}

# Headers of the C++ standard library have no dot and no slash.
function check_third_party(header,    is_standard) {
  is_standard = header !~ /[.\/]/
  if (is_public && !is_standard && header !~ /^cereal\//) {
    report("public headers may include only each other, cereal and std headers, not " header)
  } else if (layer == "control" && (!is_standard || header ~ impure)) {
    report("control is pure and may not include <" header ">")
  }
}

function report(reason) {
  print FILENAME ":" FNR ": " reason
  ++violations
}

END { exit violations > 0 }
