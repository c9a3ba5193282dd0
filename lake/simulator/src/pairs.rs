//! What the simulated venue trades: pairs with their usual price, their makers' banks, and how full a book is.

/// A pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// What is traded.
    pub asset: &'static str,
    /// What pays for it.
    pub fiat: &'static str,
    pub(crate) price: f64,
    pub(crate) price_scale: usize,
    pub(crate) asset_scale: usize,
    pub(crate) symbol: &'static str,
    /// Offers on each side, about.
    pub(crate) offers: usize,
    pub(crate) methods: &'static [(&'static str, &'static str)],
    /// A usual least payment.
    pub(crate) small: f64,
}

struct Currency {
    code: &'static str,
    symbol: &'static str,
    per_dollar: f64,
    scale: usize,
    offers: usize,
    methods: &'static [(&'static str, &'static str)],
}

const CURRENCIES: [Currency; 6] = [
    Currency {
        code: "VES",
        symbol: "Bs",
        per_dollar: 286.4,
        scale: 3,
        offers: 58,
        methods: &[
            ("PagoMovil", "Pago Móvil"),
            ("Banesco", "Banesco"),
            ("BancoDeVenezuela", "Banco de Venezuela"),
            ("Mercantil", "Mercantil"),
            ("Provincial", "BBVA Provincial"),
            ("Bancamiga", "Bancamiga"),
            ("BNCBancoNacional", "BNC Banco Nacional de Crédito"),
        ],
    },
    Currency {
        code: "ARS",
        symbol: "$",
        per_dollar: 1_468.0,
        scale: 2,
        offers: 36,
        methods: &[
            ("MercadoPagoNew", "Mercado Pago"),
            ("BankArgentina", "Bank Transfer (Argentina)"),
            ("BancoBrubankNew", "Brubank"),
            ("LemonCash", "Lemon Cash"),
            ("UalaNew", "Ualá"),
        ],
    },
    Currency {
        code: "COP",
        symbol: "$",
        per_dollar: 4_021.0,
        scale: 2,
        offers: 34,
        methods: &[
            ("BancolombiaSA", "Bancolombia S.A"),
            ("Nequi", "Nequi"),
            ("DaviviendaSA", "Davivienda S.A"),
            ("Daviplata", "Daviplata"),
            ("BRE_B", "Bre-B"),
        ],
    },
    Currency {
        code: "BRL",
        symbol: "R$",
        per_dollar: 5.62,
        scale: 3,
        offers: 32,
        methods: &[("Pix", "Pix"), ("NubankBrazil", "Nubank"), ("BANK", "Bank Transfer")],
    },
    Currency {
        code: "USD",
        symbol: "$",
        per_dollar: 1.006,
        scale: 3,
        offers: 30,
        methods: &[
            ("Zelle", "Zelle"),
            ("WallyTech", "Wally Tech"),
            ("FacebankInternational", "Facebank International"),
            ("Zinli", "Zinli"),
        ],
    },
    Currency {
        code: "EUR",
        symbol: "€",
        per_dollar: 0.881,
        scale: 3,
        offers: 28,
        methods: &[
            ("SEPAinstant", "SEPA Instant"),
            ("SEPA", "SEPA (EU) bank transfer"),
            ("Bizum", "Bizum"),
            ("Revolut", "Revolut"),
            ("Wise", "Wise"),
        ],
    },
];

/// Asset, dollars, digits of the asset, share of a currency's offers.
const ASSETS: [(&str, f64, usize, f64); 3] =
    [("USDT", 1.0, 2, 1.0), ("BTC", 96_400.0, 8, 0.4), ("ETH", 3_310.0, 8, 0.3)];

/// Every pair of the simulated venue.
pub fn pairs() -> Vec<Pair> {
    let of = |currency: &Currency| {
        ASSETS.map(|(asset, dollars, asset_scale, share)| Pair {
            asset,
            fiat: currency.code,
            price: dollars * currency.per_dollar,
            price_scale: if asset == "USDT" { currency.scale } else { 2 },
            asset_scale,
            symbol: currency.symbol,
            offers: (currency.offers as f64 * share) as usize,
            methods: currency.methods,
            small: 20.0 * currency.per_dollar,
        })
    };
    CURRENCIES.iter().flat_map(of).collect()
}
