//! Starting data: audiences and members that exist before the first request. Members are taken as they
//! are given, without the rules of the API, so that states which only history produces can be set up.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Audience, Member, MergeFieldType, Moment, NewMergeField, Origin, SegmentKind, State, Status};

/// What to put into an account.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Seed {
    /// Audiences, new or known.
    pub audiences: Vec<AudienceSeed>,
}

/// An audience to create, or to add to when `id` is known.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AudienceSeed {
    /// 10 hexadecimal digits; made up when absent.
    pub id: Option<String>,
    /// The name of a new audience.
    pub name: Option<String>,
    /// The informative flag of a new audience.
    pub double_optin: bool,
    /// Merge fields to add. A new audience without them gets FNAME, LNAME, ADDRESS, PHONE and BIRTHDAY.
    pub merge_fields: Option<Vec<NewMergeField>>,
    /// Ids of interests to add.
    pub interests: Vec<String>,
    /// Names of tags to add.
    pub tags: Vec<String>,
    /// Names of saved segments to add.
    pub saved_segments: Vec<String>,
    /// Members to add.
    pub members: Vec<MemberSeed>,
}

impl AudienceSeed {
    /// The audience every simulator starts with: `Hotel guests`, the standard merge fields and LANG.
    #[must_use]
    pub fn hotel_guests() -> Self {
        let mut merge_fields = NewMergeField::standard();
        merge_fields.push(NewMergeField::plain("LANG", "Language", MergeFieldType::Text));
        Self {
            id: Some("ab12cd34ef".to_owned()),
            name: Some("Hotel guests".to_owned()),
            merge_fields: Some(merge_fields),
            ..Self::default()
        }
    }
}

/// A member to add.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberSeed {
    /// The address.
    pub email: String,
    /// Subscribed when absent.
    #[serde(default = "subscribed")]
    pub status: Status,
    /// Who caused the status. For unsubscribed members the contact, for cleaned ones a bounce, when absent.
    #[serde(default)]
    pub origin: Option<Origin>,
    /// Whether the member is archived.
    #[serde(default)]
    pub archived: bool,
    /// Values by tag, unchecked.
    #[serde(default)]
    pub merge_fields: Map<String, Value>,
    /// Names of tags; created when needed, whatever the status.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Time of the opt-in.
    #[serde(default)]
    pub timestamp_opt: Option<Moment>,
    /// Address of the opt-in.
    #[serde(default)]
    pub ip_opt: String,
    /// Time of the last change; now when absent.
    #[serde(default)]
    pub last_changed: Option<Moment>,
}

fn subscribed() -> Status {
    Status::Subscribed
}

impl State {
    /// Adds the seed and returns the audiences' ids, in the seed's order.
    ///
    /// # Errors
    /// A sentence about the first contradiction. What came before it stays.
    pub fn plant(&mut self, seed: Seed, now: Moment) -> Result<Vec<String>, String> {
        seed.audiences.into_iter().map(|audience| self.plant_audience(audience, now)).collect()
    }

    fn plant_audience(&mut self, seed: AudienceSeed, now: Moment) -> Result<String, String> {
        let id = seed.id.unwrap_or_else(|| self.mint.short_id().to_string());
        if id.len() != 10 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(format!("The audience id {id} must be 10 hexadecimal digits; leave it out to get one."));
        }
        let mut fields = seed.merge_fields;
        if self.audience(&id).is_err() {
            let name = seed.name.unwrap_or_else(|| "Audience".to_owned());
            let mut audience = Audience::new(id.clone(), name, now, &mut self.mint);
            audience.double_optin = seed.double_optin;
            self.audiences.push(audience);
            fields.get_or_insert_with(NewMergeField::standard);
        }
        for field in fields.into_iter().flatten() {
            let (audience, ..) = self.audience_mut(&id).map_err(|problem| problem.detail)?;
            audience.add_merge_field(field).map_err(|error| error.message)?;
        }
        let (audience, _, mint) = self.audience_mut(&id).map_err(|problem| problem.detail)?;
        audience.interests.extend(seed.interests);
        let tags = seed.tags.iter().map(|name| (name, SegmentKind::Static));
        let saved = seed.saved_segments.iter();
        for (name, kind) in tags.chain(saved.map(|name| (name, SegmentKind::Saved))) {
            audience
                .create_segment(name, kind, None, mint, now)
                .map_err(|_| format!("The segment {name} exists already or has no name."))?;
        }
        for member in seed.members {
            self.plant_member(&id, member, now)?;
        }
        Ok(id)
    }

    fn plant_member(&mut self, id: &str, seed: MemberSeed, now: Moment) -> Result<(), String> {
        let (audience, rules, mint) = self.audience_mut(id).map_err(|problem| problem.detail)?;
        if audience.find_email(&seed.email).is_some() {
            return Err(format!("{} is on the audience already.", seed.email));
        }
        let mut member = Member::blank(seed.email, seed.status, now, mint);
        member.origin = seed.origin.or(match seed.status {
            Status::Unsubscribed => Some(Origin::Contact),
            Status::Cleaned => Some(Origin::Bounce),
            Status::Subscribed | Status::Pending | Status::Transactional => None,
        });
        member.compliance = member.origin.is_some_and(Origin::is_compliance);
        member.archived = seed.archived;
        member.timestamp_opt = seed.timestamp_opt;
        member.ip_opt = seed.ip_opt;
        member.last_changed = seed.last_changed.unwrap_or(now);
        for (tag, value) in seed.merge_fields {
            let field = audience.merge_field(&tag).ok_or_else(|| format!("There is no merge field {tag}."))?;
            member.set_merge_value(field.merge_id, value);
        }
        let index = audience.insert(member);
        for name in &seed.tags {
            let tag = match audience.tag_named(name) {
                Some(tag) => tag,
                None => audience
                    .create_segment(name, SegmentKind::Static, None, mint, now)
                    .map_err(|problem| problem.detail)?,
            };
            audience.tag(index, tag, rules, now);
        }
        Ok(())
    }
}
