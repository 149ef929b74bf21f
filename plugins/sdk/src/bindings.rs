//! What wit-bindgen makes of the contract: one module per world.
//!
//! Each world of one capability shares the types and imports of the base world, so that a plugin
//! exports the capabilities it has and no other.
#![allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    clippy::all,
    reason = "generated code, which speaks the canonical ABI"
)]

pub mod base {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "base",
        additional_derives: [PartialEq],
        pub_export_macro: true,
        export_macro_name: "export_base",
        default_bindings_module: "postroom_sdk::bindings::base",
        generate_all,
    });
}

/// A world of one capability, its types those of the base world.
macro_rules! capability_world {
    ($module:ident, $world:literal, $export:literal, $bindings:literal) => {
        pub mod $module {
            wit_bindgen::generate!({
                path: "../../wit",
                world: $world,
                additional_derives: [PartialEq],
                pub_export_macro: true,
                export_macro_name: $export,
                default_bindings_module: $bindings,
                with: {
                    "postroom:provider/types@0.1.0": crate::bindings::base::postroom::provider::types,
                    "postroom:provider/http@0.1.0": crate::bindings::base::postroom::provider::http,
                    "postroom:provider/log@0.1.0": crate::bindings::base::postroom::provider::log,
                    "postroom:provider/context@0.1.0": crate::bindings::base::postroom::provider::context,
                },
            });
        }
    };
}

capability_world!(tags, "with-tags", "export_tags", "postroom_sdk::bindings::tags");
capability_world!(subscriptions, "with-subscriptions", "export_subscriptions", "postroom_sdk::bindings::subscriptions");
capability_world!(audiences, "with-audiences", "export_audiences", "postroom_sdk::bindings::audiences");
capability_world!(fields, "with-fields", "export_fields", "postroom_sdk::bindings::fields");
capability_world!(templates, "with-templates", "export_templates", "postroom_sdk::bindings::templates");
capability_world!(sent, "with-sent", "export_sent", "postroom_sdk::bindings::sent");
