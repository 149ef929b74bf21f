//! How a plugin's type becomes the exports of a component.

use std::marker::PhantomData;

use crate::bindings::{audiences, base, fields, sent, subscriptions, tags, templates};
use crate::job::Host;
use crate::types::{BatchAnswer, ContactWrite, ProviderError};
use crate::{Audiences, Contacts, Fields, Job, Provider, Sent, Subscriptions, Tags, Templates};

/// Answers the host's calls by those of `P`.
pub struct Guest<P>(PhantomData<P>);

impl<P: Provider> base::exports::postroom::provider::provider::Guest for Guest<P> {
    fn describe() -> crate::provider::Description {
        P::describe()
    }

    fn check() -> Result<crate::provider::AccountInfo, ProviderError> {
        P::check(&Job::new(&Host))
    }
}

impl<P: Contacts> base::exports::postroom::provider::contacts::Guest for Guest<P> {
    fn prepare(audience: String) -> Result<Vec<u8>, ProviderError> {
        P::prepare(&Job::new(&Host), &audience)
    }

    fn push(audience: String, prepared: Vec<u8>, writes: Vec<ContactWrite>) -> Result<BatchAnswer, ProviderError> {
        P::push(&Job::new(&Host), &audience, &prepared, writes)
    }
}

impl<P: Tags> tags::exports::postroom::provider::tags::Guest for Guest<P> {
    fn prepare(audience: String, add: Vec<String>, remove: Vec<String>) -> Result<Vec<u8>, ProviderError> {
        P::prepare(&Job::new(&Host), &audience, &add, &remove)
    }

    fn apply(
        audience: String,
        prepared: Vec<u8>,
        changes: Vec<crate::tags::TagChange>,
    ) -> Result<crate::tags::TagsAnswer, ProviderError> {
        P::apply(&Job::new(&Host), &audience, &prepared, changes)
    }
}

impl<P: Subscriptions> subscriptions::exports::postroom::provider::subscriptions::Guest for Guest<P> {
    fn change(
        audience: String,
        act: crate::subscriptions::Act,
        members: Vec<crate::subscriptions::Member>,
    ) -> Result<crate::subscriptions::ActAnswer, ProviderError> {
        P::change(&Job::new(&Host), &audience, act, members)
    }
}

impl<P: Audiences> audiences::exports::postroom::provider::audiences::Guest for Guest<P> {
    fn list_audiences() -> Result<Vec<crate::audiences::Audience>, ProviderError> {
        P::list_audiences(&Job::new(&Host))
    }
}

impl<P: Fields> fields::exports::postroom::provider::fields::Guest for Guest<P> {
    fn list_fields(audience: String) -> Result<Vec<crate::fields::RemoteField>, ProviderError> {
        P::list_fields(&Job::new(&Host), &audience)
    }
}

impl<P: Templates> templates::exports::postroom::provider::templates::Guest for Guest<P> {
    fn terms() -> crate::templates::SendingTerms {
        P::terms()
    }

    fn list_templates() -> Result<Vec<crate::templates::Template>, ProviderError> {
        P::list_templates(&Job::new(&Host))
    }

    fn send(send: crate::templates::TemplateSend) -> Result<crate::templates::TemplateAnswer, ProviderError> {
        P::send(&Job::new(&Host), send)
    }
}

impl<P: Sent> sent::exports::postroom::provider::sent::Guest for Guest<P> {
    fn find(sought: crate::sent::Sought) -> Result<crate::sent::Finding, ProviderError> {
        P::find(&Job::new(&Host), &sought)
    }
}

/// Makes a component of a type: its [`Provider`](crate::Provider) and
/// [`Contacts`](crate::Contacts), and the capabilities that are named after a colon, out of
/// `tags`, `subscriptions`, `audiences`, `fields`, `templates` and `sent`.
///
/// On other targets than WebAssembly it only checks that the type implements what it names.
///
/// So `export_provider!(Mailchimp: tags, subscriptions)` leaves out `audiences`, `fields`,
/// `templates` and `sent`, and the host takes it that the provider has none of them.
#[macro_export]
macro_rules! export_provider {
    ($plugin:ty $(: $($capability:ident),+ $(,)?)?) => {
        const _: () = {
            type PostroomGuest = $crate::export::Guest<$plugin>;
            #[cfg(target_arch = "wasm32")]
            $crate::bindings::base::export_base!(
                PostroomGuest with_types_in $crate::bindings::base
            );
            const fn exports_provider_and_contacts<P: $crate::Provider + $crate::Contacts>() {}
            exports_provider_and_contacts::<$plugin>();
            $($($crate::export_capability!(PostroomGuest, $plugin, $capability);)+)?
        };
    };
}

/// One capability of [`export_provider!`].
#[doc(hidden)]
#[macro_export]
macro_rules! export_capability {
    ($guest:ident, $plugin:ty, tags) => {
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::tags::export_tags!($guest with_types_in $crate::bindings::tags);
        const fn exports_tags<P: $crate::Tags>() {}
        exports_tags::<$plugin>();
    };
    ($guest:ident, $plugin:ty, subscriptions) => {
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::subscriptions::export_subscriptions!(
            $guest with_types_in $crate::bindings::subscriptions
        );
        const fn exports_subscriptions<P: $crate::Subscriptions>() {}
        exports_subscriptions::<$plugin>();
    };
    ($guest:ident, $plugin:ty, audiences) => {
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::audiences::export_audiences!(
            $guest with_types_in $crate::bindings::audiences
        );
        const fn exports_audiences<P: $crate::Audiences>() {}
        exports_audiences::<$plugin>();
    };
    ($guest:ident, $plugin:ty, fields) => {
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::fields::export_fields!($guest with_types_in $crate::bindings::fields);
        const fn exports_fields<P: $crate::Fields>() {}
        exports_fields::<$plugin>();
    };
    ($guest:ident, $plugin:ty, templates) => {
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::templates::export_templates!(
            $guest with_types_in $crate::bindings::templates
        );
        const fn exports_templates<P: $crate::Templates>() {}
        exports_templates::<$plugin>();
    };
    ($guest:ident, $plugin:ty, sent) => {
        #[cfg(target_arch = "wasm32")]
        $crate::bindings::sent::export_sent!($guest with_types_in $crate::bindings::sent);
        const fn exports_sent<P: $crate::Sent>() {}
        exports_sent::<$plugin>();
    };
}
