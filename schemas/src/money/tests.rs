//! Amounts, exact and total.

use proptest::prelude::*;

use super::*;

const EUR: Currency = Currency(*b"EUR");
const JPY: Currency = Currency(*b"JPY");

#[test]
fn codes_are_in_order() {
    assert!(iso::CODES.is_sorted());
    assert!(
        iso::CODES.iter().all(|code| Currency::parse(Currency(**code).as_str()) == Some(Currency(**code)))
    );
}

#[test]
fn a_currency_is_a_code_of_the_list() {
    for code in ["EUR", "eur", " Eur "] {
        assert_eq!(Currency::parse(code), Some(EUR), "{code}");
    }
    for code in ["", "EU", "EURO", "€", "ABC", "XXX", "XAU", "\u{20ac}"] {
        assert_eq!(Currency::parse(code), None, "{code}");
    }
}

#[test]
fn decimals_are_exact_to_the_hundredth() {
    for (text, minor) in [
        ("12.5", Some(1_250)),
        ("0.29", Some(29)),
        ("1.005", Some(101)),
        ("-1.005", Some(-101)),
        ("1.0049999", Some(100)),
        ("+7", Some(700)),
        (".5", Some(50)),
        ("5.", Some(500)),
        (" 3 ", Some(300)),
        ("-0", Some(0)),
        ("99999999999999999999999", Some(MINOR_MAX)),
        ("-99999999999999999999999", Some(-MINOR_MAX)),
        ("", None),
        (".", None),
        ("-", None),
        ("--1", None),
        ("1,000.00", None),
        ("1e3", None),
        ("€5", None),
        ("NaN", None),
        ("inf", None),
        ("٣", None),
    ] {
        assert_eq!(Money::parse(text, EUR).map(|money| money.minor), minor, "{text}");
    }
}

#[test]
fn units_become_hundredths() {
    let minor = |units| Money::of_units(units, EUR).map(|money| money.minor);
    assert_eq!([minor(19.99), minor(0.1 + 0.2), minor(-0.005)], [Some(1_999), Some(30), Some(-1)]);
    assert_eq!([minor(f64::MAX), minor(f64::NEG_INFINITY)], [Some(MINOR_MAX), Some(-MINOR_MAX)]);
    assert_eq!(minor(f64::NAN), None);
}

#[test]
fn sums_never_mix_currencies() {
    let [one, two] = [100, 250].map(|minor| Money { minor, currency: EUR });
    assert_eq!(one.plus(two), Some(Money { minor: 350, currency: EUR }));
    assert_eq!(one.plus(Money { minor: 1, currency: JPY }), None);
}

#[test]
fn an_amount_is_shown_with_its_currency() {
    for (minor, shown) in [(1_250, "12.50 EUR"), (-5, "-0.05 EUR"), (i64::MIN, "-92233720368547758.08 EUR")] {
        assert_eq!(Money { minor, currency: EUR }.to_string(), shown);
    }
}

#[test]
fn rates_convert_to_the_base_currency_alone() {
    let mut rates = Rates::new(EUR);
    rates.set(JPY, 0.0061).expect("a good rate");
    let yen = |minor| rates.convert(Money { minor, currency: JPY });
    assert_eq!(yen(100_000), Some(Money { minor: 610, currency: EUR }));
    assert_eq!(yen(-100_000), Some(Money { minor: -610, currency: EUR }));
    assert_eq!(yen(0), Some(Money { minor: 0, currency: EUR }));
    assert_eq!(rates.convert(Money { minor: 7, currency: EUR }), Some(Money { minor: 7, currency: EUR }));
    assert_eq!(rates.convert(Money { minor: 7, currency: Currency(*b"USD") }), None);
    for bad in [0.0, -1.0, 1e-13, 1e8, f64::NAN, f64::INFINITY] {
        assert!(rates.set(JPY, bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn nothing_overflows(a in any::<i64>(), b in any::<i64>(), rate in 1e-12..1e7_f64) {
        let [one, two] = [a, b].map(|minor| Money { minor, currency: EUR });
        let _sum = one.plus(two);
        let _product = one.times(b);
        let mut rates = Rates::new(JPY);
        rates.set(EUR, rate).expect("a rate within bounds");
        prop_assert!(rates.convert(one).is_some());
    }

    #[test]
    fn what_is_shown_is_read_back(minor in -MINOR_MAX..=MINOR_MAX) {
        let money = Money { minor, currency: EUR };
        prop_assert_eq!(Money::parse(money.to_string().trim_end_matches(" EUR"), EUR), Some(money));
    }
}
