// What the pages say, in each language. A word that is missing in one is a test's failure, and shows as its name.

const TEXT = {
  // English, Spanish
  overview: ["Overview", "Resumen"], market: ["Market", "Mercado"], arbitrage: ["Arbitrage", "Arbitraje"], quality: ["Quality", "Calidad"],
  runs: ["Runs", "Corridas"], sql: ["SQL", "SQL"], keys: ["Keys", "Claves"], login: ["Log in", "Entrar"], logout: ["Log out", "Salir"],
  skip: ["Skip to content", "Saltar al contenido"], reference: ["API reference", "Referencia de la API"], theme: ["Theme", "Tema"],
  theme_auto: ["Theme: system", "Tema: sistema"], theme_light: ["Theme: light", "Tema: claro"], theme_dark: ["Theme: dark", "Tema: oscuro"],
  foot: ["Every number leads to the bytes that it came from.", "Cada número lleva a los bytes de los que salió."],
  open: ["open", "abierto"], open_more: ["Whoever is on this machine is administrator, until: cauce user add", "Quien está en esta máquina es administrador, hasta: cauce user add"],
  as_of: ["as of", "a las"], failed_to_load: ["This could not be loaded", "No se pudo cargar"], close: ["Close", "Cerrar"], any: ["any", "cualquiera"],
  download: ["Download", "Descargar"], raw: ["raw", "crudo"], line: ["line", "línea"], raw_more: ["Every row leads to its raw bytes: raw.", "Cada fila lleva a sus bytes crudos: crudo."],
  BUY: ["You buy", "Usted compra"], SELL: ["You sell", "Usted vende"], username: ["User", "Usuario"], password: ["Password", "Contraseña"],
  login_more: ["Users are made by an administrator: cauce user add, or the page Keys.", "Los usuarios los crea un administrador: cauce user add, o la página Claves."],
  freshness: ["Freshness", "Frescura"], freshness_more: ["age of the newest snapshot", "edad de la última instantánea"], markets: ["Markets", "Mercados"], silent: ["silent", "en silencio"],
  none_silent: ["every market is fresh", "todos los mercados están al día"], completeness: ["Completeness", "Completitud"], completeness_more: ["of the newest snapshots", "de las últimas instantáneas"],
  runs_today: ["Runs in 24 h", "Corridas en 24 h"], not_whole: ["not whole", "incompletas"], errors: ["errors", "errores"], best: ["best", "mejor"], median: ["median", "mediana"], mean: ["mean", "media"],
  offers: ["offers", "ofertas"], available: ["available", "disponible"], age: ["age", "edad"], state: ["state", "estado"], complete: ["complete", "completa"], incomplete: ["incomplete", "incompleta"],
  latest: ["Newest snapshots", "Últimas instantáneas"], no_market: ["No market yet: the first run is under way.", "Aún no hay mercados: la primera corrida está en marcha."], newest: ["newest", "última"],
  pair: ["Pair", "Par"], period: ["Period", "Período"], day: ["day", "día"], days: ["days", "días"], bucket: ["Bucket", "Intervalo"], payment_method: ["Payment method", "Método de pago"], my_amount: ["My amount", "Mi monto"],
  merchants_only: ["merchants only", "solo comerciantes"], least_done: ["Done, at least", "Completadas, mínimo"], price_history: ["Price history", "Historia de precios"], volume: ["volume", "volumen"],
  buckets: ["buckets of", "intervalos de"], gaps: ["gaps", "huecos"], gap: ["no snapshot", "sin instantánea"], snapshots_of: ["snapshots", "instantáneas"], snapshots: ["Snapshots", "Instantáneas"],
  chart_more: ["Drag to zoom, double-click to reset; click a bucket for its snapshots. Shaded: no snapshot.", "Arrastre para ampliar, doble clic para volver; clic en un intervalo para sus instantáneas. Sombreado: sin instantánea."],
  spread: ["Spread", "Diferencial"], depth: ["Depth", "Profundidad"], offers_now: ["Offers now", "Ofertas ahora"], mean_of_5: ["mean of best 5", "media de las 5 mejores"], offers_fit: ["offers fit", "ofertas sirven"],
  nothing_fits: ["no offer fits", "ninguna oferta sirve"], price: ["price", "precio"], limits: ["limits", "límites"], methods: ["methods", "métodos"], advertiser: ["advertiser", "anunciante"], promoted: ["promoted", "promovida"],
  done: ["done", "completadas"], no_offer: ["no offer", "ninguna oferta"], no_snapshot: ["no snapshot", "ninguna instantánea"], side: ["side", "lado"], taken: ["taken", "tomada"], lowest: ["lowest", "mínimo"], highest: ["highest", "máximo"],
  arbitrage_more: ["What can be bought from one maker and sold to another with a profit after the fees of the configuration.", "Lo que se puede comprar a un anunciante y vender a otro con ganancia después de las comisiones de la configuración."],
  no_opportunity: ["no opportunity now", "ninguna oportunidad ahora"], opportunities: ["opportunities", "oportunidades"], fiat: ["Currency", "Moneda"], asset: ["Asset", "Activo"],
  kind: ["kind", "tipo"], venues: ["venues", "mercados"], payment_methods: ["payment methods", "métodos de pago"], sides: ["crossed book", "libro cruzado"], profit: ["profit", "ganancia"], quantity: ["quantity", "cantidad"], buy_at: ["buy", "comprar"], sell_at: ["sell", "vender"],
  after_fees: ["after fees", "con comisiones"], checks: ["Checks", "Controles"], failed_ones: ["that failed", "que fallaron"], passed_ones: ["that passed", "que pasaron"], metric: ["Metric", "Métrica"], value: ["value", "valor"], bound: ["bound", "límite"],
  passed: ["passed", "pasó"], failed: ["failed", "falló"], silent_markets: ["Silent markets", "Mercados en silencio"], no_check: ["no check", "ningún control"], all_passed: ["every check of the last 24 hours passed", "todos los controles de las últimas 24 horas pasaron"],
  quality_more: ["Of the last 24 hours, newest first.", "De las últimas 24 horas, lo más nuevo primero."], duplicate_offers: ["duplicate offers", "ofertas duplicadas"], schema_drift: ["schema drift", "cambio de esquema"], hard_rules: ["hard rules", "reglas duras"],
  side_consistency: ["side consistency", "coherencia de lados"], price_anomaly: ["price anomaly", "anomalía de precio"], completed: ["completed", "completa"], partial: ["partial", "parcial"], running: ["running", "en marcha"],
  started: ["started", "inicio"], seconds: ["seconds", "segundos"], no_run: ["no run", "ninguna corrida"], older: ["older", "más antiguas"], at: ["at", "cuándo"], message: ["message", "mensaje"], mended: ["mended", "corregido"], yes: ["yes", "sí"], no: ["no", "no"],
  no_error: ["no error", "ningún error"], run: ["Run", "Corrida"], all_runs: ["all runs", "todas las corridas"],
  batch_id: ["run", "corrida"], job: ["job", "trabajo"], batch_start_time: ["started", "inicio"], batch_end_time: ["ended", "fin"], status: ["state", "estado"], total_markets: ["markets", "mercados"], total_fiats_processed: ["currencies", "monedas"],
  total_offers_extracted: ["offers", "ofertas"], total_offers_inserted: ["new offers", "ofertas nuevas"], total_offers_updated: ["changed offers", "ofertas cambiadas"], total_errors: ["errors", "errores"], error_summary: ["errors by kind", "errores por tipo"],
  execution_time_seconds: ["seconds", "segundos"], offers_announced: ["offers announced", "ofertas anunciadas"], pages_announced: ["pages announced", "páginas anunciadas"], pages_received: ["pages received", "páginas recibidas"],
  markets_truncated: ["markets cut", "mercados cortados"], markets_empty: ["markets empty", "mercados vacíos"], markets_failed: ["markets failed", "mercados fallidos"], trace_id: ["trace", "traza"],
  sql_more: ["The lake's tables and views, only to read. Ctrl-Enter asks.", "Las tablas y vistas del lago, solo para leer. Ctrl-Enter pregunta."], ask: ["Ask", "Preguntar"], asking: ["asking …", "preguntando …"], answer: ["Answer", "Respuesta"], first: ["first", "primeras"], rows: ["rows", "filas"], no_row: ["no row", "ninguna fila"],
  tables: ["Tables", "Tablas"], table: ["table", "tabla"], columns: ["columns", "columnas"], api_keys: ["API keys", "Claves de API"], users: ["Users", "Usuarios"], name: ["name", "nombre"], scope: ["scope", "alcance"], made: ["made", "creada"], last_used: ["last used", "último uso"],
  revoke: ["revoke", "revocar"], revoked: ["revoked", "revocada"], expired: ["expired", "vencida"], good: ["good", "vigente"], for_ever: ["for ever", "siempre"], make_key: ["Make key", "Crear clave"], make_user: ["Make user", "Crear usuario"],
  key_once: ["The key, shown this once:", "La clave, se muestra esta única vez:"], no_key: ["no key", "ninguna clave"], keys_more: ["A key goes into the header X-Api-Key.", "La clave va en la cabecera X-Api-Key."], role: ["role", "rol"], no_user: ["no user", "ningún usuario"],
  shut_out: ["shut out", "bloqueado"], shut_out_do: ["shut out", "bloquear"], let_in: ["let in", "dejar entrar"],
};

const LANGUAGES = ["en", "es"];

export function locale() {
  const chosen = localStorage.getItem("language") ?? navigator.language.slice(0, 2);
  return LANGUAGES.includes(chosen) ? chosen : "en";
}

export const setLocale = (language) => localStorage.setItem("language", language);

export const t = (name) => TEXT[name]?.[LANGUAGES.indexOf(locale())] ?? name;
