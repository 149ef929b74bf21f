#!/bin/sh
# Builds the target with the coverage of libFuzzer on the stable toolchain and runs it for as many
# seconds as the first argument says. Where cargo-fuzz and a nightly toolchain are,
# `cargo fuzz run csv_import` does the same and adds a sanitizer.
set -eu
cd "$(dirname "$0")"
host=$(rustc -vV | sed -n 's/^host: //p')
target_dir=${CARGO_TARGET_DIR:-target}
# What cargo-fuzz passes with `--sanitizer none`; naming the host keeps build scripts out of it.
RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing" \
    cargo build --release --target "$host"
mkdir -p corpus/csv_import artifacts/csv_import
exec "$target_dir/$host/release/csv_import" corpus/csv_import seeds \
    -dict=csv_import.dict -artifact_prefix=artifacts/csv_import/ \
    -max_len=4096 -timeout=10 -rss_limit_mb=1024 -max_total_time="${1:-60}" -print_final_stats=1
