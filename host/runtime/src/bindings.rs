//! What `bindgen!` makes of `wit/`: one world per capability, the types shared between them.
//!
//! Host functions are async and may end the call (`trappable`); exports are called async, because
//! the guest yields while it waits for the host.
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    reason = "generated: its documentation and its style are those of the WIT files and of bindgen"
)]

pub(crate) mod base {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "base",
        imports: { default: async | trappable },
        exports: { default: async },
        additional_derives: [Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize],
    });
}

/// Declares the world of one further capability on the types and host interfaces of `base`.
macro_rules! capability_world {
    ($module:ident, $world:literal) => {
        pub(crate) mod $module {
            wasmtime::component::bindgen!({
                path: "../../wit",
                world: $world,
                imports: { default: async | trappable },
                exports: { default: async },
                additional_derives: [Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize],
                with: {
                    "postroom:provider/types@0.1.0": super::base::postroom::provider::types,
                    "postroom:provider/http@0.1.0": super::base::postroom::provider::http,
                    "postroom:provider/log@0.1.0": super::base::postroom::provider::log,
                    "postroom:provider/context@0.1.0": super::base::postroom::provider::context,
                },
            });
        }
    };
}

capability_world!(with_tags, "with-tags");
capability_world!(with_subscriptions, "with-subscriptions");
capability_world!(with_audiences, "with-audiences");
capability_world!(with_fields, "with-fields");
capability_world!(with_templates, "with-templates");
capability_world!(with_sent, "with-sent");
