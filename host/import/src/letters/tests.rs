//! Real names and towns in each encoding.

use super::*;

const CZECH: &str = "Jiří Dvořák;Plzeň|Božena Němcová;Ústí nad Labem|Tomáš Procházka;České Budějovice|Růžena Šťastná;Hradec Králové|Zdeněk Kučera;Jihlava|Lukáš Černý;Děčín";
const POLISH: &str = "Wojciech Wiśniewski;Łódź|Małgorzata Dąbrowska;Kraków|Paweł Żak;Gdańsk|Krzysztof Wójcik;Poznań|Agnieszka Kamińska;Częstochowa";
const HUNGARIAN: &str =
    "Szőke Gábor;Győr|Nagy Ildikó;Székesfehérvár|Tóth Károly;Pécs|Fűzesi Jenő;Kecskemét|Erdős Márton;Üllő";
const SLOVAK: &str = "Ľubomír Horváth;Košice|Mária Kováčová;Žilina|Ján Tóth;Prešov|Zuzana Ďurišová;Trenčín|Štefan Baláž;Banská Štiavnica";
const ESTONIAN: &str =
    "Jüri Põld;Võru|Õnne Pärn;Pärnu|Kärt Rätsep;Jõgeva|Tõnu Mäesalu;Põlva|Ülle Kõiv;Türi|Žanna Šišova;Narva-Jõesuu";
const LITHUANIAN: &str = "Rūta Kazlauskienė;Šiauliai|Žygimantas Petrauskas;Panevėžys|Eglė Žukauskaitė;Kėdainiai|Mindaugas Sabonis;Utena|Jūratė Balčiūnienė;Telšiai|Česlovas Juršėnas;Ąžuolų g. 5";
const LATVIAN: &str =
    "Jānis Bērziņš;Rīga|Līga Ozoliņa;Jēkabpils|Pēteris Kalniņš;Liepāja|Ilze Krūmiņa;Rēzekne|Kārlis Ķeniņš;Ādaži";
const RUSSIAN: &str =
    "Иван Петров;Москва|Мария Кузнецова;Санкт-Петербург|Алексей Смирнов;Нижний Новгород|Юлия Щербакова;Екатеринбург";
const UKRAINIAN: &str = "Олексій Шевченко;Київ|Ганна Ковальчук;Львів|Євген Бондаренко;Запоріжжя|Їржі Мельник;Чернігів";
const GERMAN: &str = "Jürgen Müller;Köln|Käthe Schröder;Düsseldorf|Günther Weiß;München|Jörg Bäcker;Nürnberg";
const FRENCH: &str = "Hélène Lefèvre;Orléans|François Bérenger;Besançon|Zoë Noël;Nîmes|Jérôme Désiré;Évian-les-Bains";
const SPANISH: &str = "José Núñez;Málaga|María Ibáñez;Cádiz|Íñigo Rodríguez;León|Begoña Pérez;La Coruña";
const TURKISH: &str =
    "Ayşe Yılmaz;İstanbul|Çağlar Öztürk;Muğla|Gülşen Şahin;Eskişehir|İbrahim Doğan;Diyarbakır|Işıl Güneş;Iğdır";
const GREEK: &str = "Γιώργος Παπαδόπουλος;Αθήνα|Ελένη Νικολάου;Θεσσαλονίκη|Κώστας Οικονόμου;Ηράκλειο";

fn guess(text: &str, encoding: &'static Encoding) -> Option<&'static Encoding> {
    let mut letters = Letters::new();
    let (bytes, _, lossy) = encoding.encode(text);
    assert!(!lossy, "{text} does not exist in {}", encoding.name());
    letters.feed(&bytes);
    letters.guess()
}

/// The text that a reader sees: two encodings that agree on it are equally right.
fn read(text: &str, encoding: &'static Encoding) -> String {
    let (bytes, _, _) = encoding.encode(text);
    let guessed = guess(text, encoding).map_or("none", Encoding::name);
    let decoded = Encoding::for_label(guessed.as_bytes()).map(|encoding| encoding.decode(&bytes).0.into_owned());
    format!("{guessed}: {}", decoded.unwrap_or_default())
}

const TEXTS: [(&Encoding, &str); 19] = [
    (ISO_8859_2, CZECH),
    (ISO_8859_2, SLOVAK),
    (ISO_8859_2, POLISH),
    (WINDOWS_1250, CZECH),
    (WINDOWS_1250, POLISH),
    (WINDOWS_1250, HUNGARIAN),
    (WINDOWS_1250, SLOVAK),
    (WINDOWS_1257, ESTONIAN),
    (WINDOWS_1252, ESTONIAN),
    (WINDOWS_1257, LITHUANIAN),
    (WINDOWS_1257, LATVIAN),
    (WINDOWS_1251, RUSSIAN),
    (WINDOWS_1251, UKRAINIAN),
    (WINDOWS_1252, GERMAN),
    (WINDOWS_1252, FRENCH),
    (WINDOWS_1252, SPANISH),
    (WINDOWS_1254, TURKISH),
    (WINDOWS_1253, GREEK),
    (encoding_rs::KOI8_U, RUSSIAN),
];

#[test]
fn a_handful_of_names_tells_the_encoding() {
    for (encoding, text) in TEXTS {
        assert!(read(text, encoding).ends_with(text), "{} became {}", encoding.name(), read(text, encoding));
    }
}

#[test]
fn each_half_of_them_does() {
    for (encoding, text) in TEXTS {
        let names: Vec<&str> = text.split('|').collect();
        for half in names.chunks(names.len().div_ceil(2)) {
            let half = half.join("|");
            assert!(read(&half, encoding).ends_with(&half), "{} became {}", encoding.name(), read(&half, encoding));
        }
    }
}

#[test]
fn guests_of_several_countries_may_stand_in_one_file() {
    for (encoding, texts) in [
        (WINDOWS_1250, [CZECH, GERMAN]),
        (WINDOWS_1250, [POLISH, CZECH]),
        (WINDOWS_1250, [SLOVAK, HUNGARIAN]),
        (WINDOWS_1257, [ESTONIAN, LATVIAN]),
        (WINDOWS_1257, [LITHUANIAN, GERMAN]),
        (WINDOWS_1252, [FRENCH, GERMAN]),
        (WINDOWS_1251, [RUSSIAN, UKRAINIAN]),
    ] {
        let text = texts.join("|");
        assert!(read(&text, encoding).ends_with(&text), "{} became {}", encoding.name(), read(&text, encoding));
    }
}

#[test]
fn signs_that_are_the_same_everywhere_decide_nothing() {
    assert_eq!(guess("Hotel „Central“ – 100 €", WINDOWS_1250), Some(WINDOWS_1252));
}

#[test]
fn bytes_that_are_no_text_fit_nothing_of_ours() {
    let mut letters = Letters::new();
    letters.feed(&(0x80..=0xff).chain((0x80..=0x9f).cycle().take(1000)).collect::<Vec<u8>>());
    assert!(letters.guess().is_none_or(|encoding| !PAGES.contains(&encoding)));
}
