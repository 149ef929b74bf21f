//! How systems and people name their columns, in the languages they speak.
//!
//! Names are compared by [`plain`]: in small letters, without spaces and signs. A name is listed
//! only if it means one thing: `name` alone (whole, first or family name?) is not.

/// Names of a column of e-mail addresses.
const EMAIL: &str = "email emails emailaddress emailadress eaddress mail mailaddress primaryemail \
    emailprimary guestemail contactemail customeremail emailovaadresa emailadresa \
    elektronickáadresa elektronickápošta emailováadresa emailadresse mailadresse \
    epostadresse elektronischepost adresseemail adressemail courriel adresseélectronique \
    correo correoelectrónico correoelectronico correuelectrònic direccióndecorreo \
    direccióndecorreoelectrónico endereçodeemail correioeletrônico correioeletrónico \
    indirizzoemail postaelettronica epost epostiaadress emailiaadress meil meiliaadress \
    epasts epastaadrese epastas elpaštas elpastas elpaštoadresas eladresas adresemail \
    pocztaelektroniczna emailcím ímél epostacím epošta elektronskapošta adresăemail \
    sähköposti sähköpostiosoite epostadress mejl eposta epostaadresi электроннаяпочта \
    элпочта почта адресэлектроннойпочты емейл имейл емайл електроннапошта електроннаадреса \
    пошта email1 email1value ηλεκτρονικόταχυδρομείο";

/// Names that mean the e-mail address in some files and the postal one in others: the cells decide.
const MAYBE_EMAIL: &str = "adresa adres adresse address adrese adresas aadress dirección contact kontakt contacto \
    адрес адреса login username";

/// Names of the standard fields.
const PLACES: [(&str, &str); 12] = [
    (
        "firstname",
        "firstname givenname forename christianname fname guestfirstname jméno jmeno \
        křestníjméno meno krstnémeno vorname prénom prenom nombre primernombre nombredepila \
        nome primeironome eesnimi vārds vardas imię imie keresztnév utónév ime prenume \
        etunimi förnamn fornavn voornaam ad adı имя імя όνομα",
    ),
    (
        "lastname",
        "lastname surname familyname lname guestlastname příjmení prijmeni priezvisko \
        nachname familienname zuname nomdefamille apellido apellidos cognome sobrenome \
        apelido perekonnanimi perenimi uzvārds pavardė pavarde nazwisko vezetéknév családnév \
        prezime priimek sukunimi efternamn etternavn efternavn achternaam soyad soyadı \
        фамилия прізвище επώνυμο",
    ),
    (
        "company",
        "company companyname organization organisation employer firma společnost spoločnosť \
        názevfirmy unternehmen société entreprise empresa compañía azienda società ettevõte \
        firmanimi uzņēmums įmonė cég cégnév tvrtka podjetje companie yritys företag bedrijf \
        şirket компания организация фирма компанія організація εταιρεία",
    ),
    (
        "phone",
        "phone phonenumber telephone tel telno telnumber mobile mobilephone cell cellphone \
        telefon telefonníčíslo telefónnečíslo telefón telefonnummer mobil mobiltelefon handy \
        téléphone portable teléfono móvil telefone telemóvel celular telefono cellulare \
        mobiiltelefon tālrunis telefonas mobilusis telefonszám puhelin puhelinnumero \
        telefoon telefonnumarası телефон мобильный мобильныйтелефон мобільний номертелефону \
        τηλέφωνο phone1value",
    ),
    (
        "language",
        "language lang preferredlanguage locale jazyk sprache langue idioma lingua língua \
        keel valoda kalba język nyelv jezik limbă kieli språk sprog taal dil язык мова \
        γλώσσα",
    ),
    (
        "birthday",
        "birthday birthdate dateofbirth dob born datumnarození datumnarozeni narozen \
        narozeniny dátumnarodenia narodeniny geburtsdatum geburtstag datedenaissance \
        anniversaire fechadenacimiento cumpleaños datadinascita datadenascimento sünniaeg \
        sünnikuupäev sünnipäev dzimšanasdatums dzimšanasdiena gimimodata gimtadienis \
        dataurodzenia születésidátum születésnap datumrođenja datumrojstva datanașterii \
        syntymäaika födelsedatum fødselsdato geboortedatum doğumtarihi датарождения \
        деньрождения датанародження деньнародження ημερομηνίαγέννησης",
    ),
    (
        "address.line1",
        "address1 addressline1 addressstreet street street1 streetaddress streetandnumber \
        ulice uliceačíslo ulica straße strasse straßeundhausnummer rue adresse1 calle \
        dirección1 via indirizzo rua tänav iela gatvė utca stradă katuosoite katu gata \
        gatuadress gade straat sokak улица улицаидом вулиця οδός",
    ),
    (
        "address.line2",
        "address2 addressline2 street2 streetline2 apartment apt suite ulice2 ulica2 \
        adresszusatz complémentdadresse adresse2 dirección2 адрес2 квартира",
    ),
    (
        "address.city",
        "city town addresscity locality město mesto obec stadt ort wohnort ville ciudad \
        localidad città cidade linn pilsēta miestas miasto miejscowość város település grad \
        oraș kaupunki postitoimipaikka stad postort poststed woonplaats şehir город місто \
        πόλη",
    ),
    (
        "address.state",
        "state province region county stateprovince provincestate addressstate kraj \
        bundesland département région provincia estado comunidadautónoma regione distrito \
        maakond novads apskritis województwo megye županija județ maakunta län fylke \
        provincie il область регион край регіон νομός",
    ),
    (
        "address.zip",
        "zip zipcode postcode postalcode addresszip psč psc poštovnísměrovacíčíslo plz \
        postleitzahl codepostal códigopostal codigopostal cap cep sihtnumber postiindeks \
        indekss pastaindekss paštokodas kodpocztowy irányítószám poštanskibroj \
        poštnaštevilka codpoștal postinumero postnummer postalkod postakodu индекс \
        почтовыйиндекс індекс поштовийіндекс ταχυδρομικόςκώδικας τκ",
    ),
    (
        "address.country",
        "country addresscountry countrycode countryregion země zeme stát krajina štát land \
        staat pays país pais paese riik valsts šalis országkód ország država țară maa ülke \
        страна країна χώρα",
    ),
];

/// Names of a column that says who agreed.
const CONSENT: &str = "consent consents optin optedin subscribed marketingconsent emailconsent newsletterconsent \
    gdprconsent consentgiven souhlas souhlasy souhlassezasíláním souhlassezpracováním marketingovýsouhlas súhlas \
    einwilligung zustimmung werbeeinwilligung consentement consentimiento consentimento consenso consentiment zgoda \
    nõusolek piekrišana sutikimas hozzájárulás pristanek privola pristanak consimțământ acord suostumus samtycke \
    samtykke toestemming rıza onay согласие згода съгласие συγκατάθεση";

/// Parts of names that speak of consent, whatever stands around them.
const ABOUT_CONSENT: &str = "consent optin optedin subscri newsletter gdpr dsgvo rgpd permission agree souhlas súhlas \
    einwillig zustimm abonn consenti consenso zgod nõusol piekri sutikim hozzájár pristan privol consimț suostum samtyck \
    samtykk toestemm onay соглас згод съглас συγκατάθ marketing werbung novink novinek zasíl zasiel";

/// The same of a withdrawal.
const ABOUT_WITHDRAWAL: &str = "unsub optout optedout odhláš odhlas abgemeld abmeld désabonn désinscri odvolán widerruf \
    widerspr blacklist donotmail donotcontact отписа відписа";

/// A name as it is compared: its letters and digits, small.
pub(crate) fn plain(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether a line of names has this one; plain names have no spaces.
fn lists(names: &str, plain: &str) -> bool {
    names.split_ascii_whitespace().any(|name| name == plain)
}

/// Whether a column of this plain name holds e-mail addresses.
pub(crate) fn is_email(plain: &str) -> bool {
    lists(EMAIL, plain)
}

/// Whether a column of this plain name may hold e-mail addresses, if its cells do.
pub(crate) fn may_be_email(plain: &str) -> bool {
    lists(MAYBE_EMAIL, plain)
}

/// Whether a column of this plain name says who agreed.
pub(crate) fn is_consent(plain: &str) -> bool {
    lists(CONSENT, plain)
}

/// Whether a plain name speaks of consent.
pub(crate) fn is_about_consent(plain: &str) -> bool {
    matches!(plain, "odběr" | "odber" | "mailing" | "mailings")
        || ABOUT_CONSENT.split_ascii_whitespace().any(|part| plain.contains(part))
}

/// Whether a plain name speaks of a withdrawal.
pub(crate) fn is_about_withdrawal(plain: &str) -> bool {
    ABOUT_WITHDRAWAL.split_ascii_whitespace().any(|part| plain.contains(part))
}

/// Whether a name as it is written speaks of either.
pub(crate) fn seems_to_tell_about_consent(name: &str) -> bool {
    let plain = plain(name);
    is_about_consent(&plain) || is_about_withdrawal(&plain)
}

/// The place among the standard fields that a column of this plain name goes to.
pub(crate) fn place(plain: &str) -> Option<&'static str> {
    PLACES.iter().find(|(_, names)| lists(names, plain)).map(|(place, _)| *place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_plain_and_means_one_thing() {
        let lines = [EMAIL, MAYBE_EMAIL, CONSENT].into_iter().chain(PLACES.map(|(_, names)| names));
        let mut seen = std::collections::BTreeSet::new();
        for name in lines.flat_map(str::split_ascii_whitespace) {
            assert_eq!(plain(name), name, "is not plain");
            assert!(seen.insert(name), "`{name}` is listed twice");
        }
    }

    #[test]
    fn columns_are_known_in_many_languages() {
        for name in [
            "E-mail",
            "e-mail address",
            "MAIL",
            "el. paštas",
            "e-pasts",
            "Электронная почта",
            "Correo electrónico",
            "E-post",
            "E_MAIL:",
        ] {
            assert!(is_email(&plain(name)), "{name}");
        }
        assert!(may_be_email(&plain("Adresa")));
        for (name, expected) in [
            ("Jméno", "firstname"),
            ("Nachname", "lastname"),
            ("Telefon", "phone"),
            ("Sünniaeg", "birthday"),
            ("Город", "address.city"),
            ("Street 2", "address.line2"),
            ("Code postal", "address.zip"),
            ("PSČ", "address.zip"),
            ("Šalis", "address.country"),
        ] {
            assert_eq!(place(&plain(name)), Some(expected), "{name}");
        }
        assert_eq!(place(&plain("Name")), None);
        for name in ["Consent", "Opt-in", "Souhlas se zasíláním", "Einwilligung", "Согласие", "nõusolek", "Onay"]
        {
            assert!(is_consent(&plain(name)), "{name}");
        }
    }

    #[test]
    fn names_that_speak_of_consent_are_noticed_whatever_stands_around_them() {
        for name in [
            "Werbung erlaubt",
            "Odběr novinek",
            "Zasílat e-maily",
            "Marketing",
            "Marketing consent 2024",
            "Souhlas s marketingem",
            "Newsletter (ja/nein)",
            "GDPR",
            "Zgoda na e-mail",
        ] {
            assert!(is_about_consent(&plain(name)) && !is_consent(&plain(name)), "{name}");
        }
        for name in ["Unsubscribed on", "Opt-out", "Odhlášen", "Abgemeldet am"] {
            assert!(is_about_withdrawal(&plain(name)), "{name}");
        }
        for name in [
            "Options",
            "Company",
            "Room",
            "Poznámka",
            "Wohnort",
            "Gewerblich",
            "Odběratel",
            "Mailing State",
            "Wettbewerb",
        ] {
            assert!(!is_about_consent(&plain(name)) && !is_about_withdrawal(&plain(name)), "{name}");
        }
    }
}
