#!/bin/sh
# Builds a target with the coverage of libFuzzer on the stable toolchain and runs it: the first argument is
# the target, the second for how many seconds. Where cargo-fuzz and a nightly toolchain are,
# `cargo fuzz run TARGET` does the same and adds a sanitizer.
set -eu
cd "$(dirname "$0")"
target=${1:-csv_import}
host=$(rustc -vV | sed -n 's/^host: //p')
target_dir=${CARGO_TARGET_DIR:-target}
# What cargo-fuzz passes with `--sanitizer none`; naming the host keeps build scripts out of it.
RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing" \
    cargo build --release --target "$host" --bin "$target"
mkdir -p "corpus/$target" "artifacts/$target" "seeds/$target"
exec "$target_dir/$host/release/$target" "corpus/$target" "seeds/$target" \
    -dict="$target.dict" -artifact_prefix="artifacts/$target/" \
    -max_len=4096 -timeout=10 -rss_limit_mb=1024 -max_total_time="${2:-60}" -print_final_stats=1
