//! Asks WASI for what costs the guest a number and the host that many bytes.

wit_bindgen::generate!({
    inline: "
        package attempt:streams;

        world streams {
            import wasi:cli/stdout@0.2.0;
            import wasi:random/random@0.2.0;
            import wasi:random/insecure@0.2.0;
        }

        package wasi:io@0.2.0 {
            interface error {
                resource error;
            }

            interface poll {
                resource pollable;
                poll: func(in: list<borrow<pollable>>) -> list<u32>;
            }

            interface streams {
                use error.{error};
                use poll.{pollable};
                variant stream-error {
                    last-operation-failed(error),
                    closed,
                }
                resource output-stream {
                    write-zeroes: func(len: u64) -> result<_, stream-error>;
                    subscribe: func() -> pollable;
                }
            }
        }

        package wasi:cli@0.2.0 {
            interface stdout {
                use wasi:io/streams@0.2.0.{output-stream};
                get-stdout: func() -> output-stream;
            }
        }

        package wasi:random@0.2.0 {
            interface random {
                get-random-bytes: func(len: u64) -> list<u8>;
            }

            interface insecure {
                get-insecure-random-bytes: func(len: u64) -> list<u8>;
            }
        }
    ",
    generate_all,
});

use std::hint::black_box;

use kit::{BatchAnswer, ContactWrite, Plugin, ProviderError, created};
use wasi::cli::stdout::get_stdout;
use wasi::io::poll::poll;
use wasi::random::insecure::get_insecure_random_bytes;
use wasi::random::random::get_random_bytes;

/// More than any machine has.
const MUCH: u64 = 1 << 44;

struct Guest;

impl Plugin for Guest {
    fn push(attempt: String, writes: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        match attempt.as_str() {
            "random" => drop(black_box(get_random_bytes(MUCH))),
            "insecure" => drop(black_box(get_insecure_random_bytes(MUCH))),
            "zeroes" => drop(black_box(get_stdout().write_zeroes(MUCH))),
            _ => {
                let stdout = get_stdout();
                let ready = stdout.subscribe();
                let all = vec![&ready; 4 << 20];
                drop(black_box(poll(&all)));
            }
        }
        Ok(created(&writes))
    }
}

kit::plugin!(Guest);
