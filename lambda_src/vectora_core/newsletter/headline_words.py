"""Vocabulary of headlines: places, intervals, forms of products, events, and words that name nothing.

In the tables, `*` stands for any ending, a hyphen also for a space or nothing, and `...` for words between two
  others.
Words have no accents and are in lower case.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping


def pattern_of(terms: Iterable[str]) -> re.Pattern[str]:
    """Return the pattern of whole terms in a folded headline in lower case."""
    alternatives = "|".join(_expression(term) for term in terms)
    return re.compile(rf"(?<![a-z0-9])(?:{alternatives})(?![a-z0-9])")


def _expression(term: str) -> str:
    escaped = re.escape(term)
    return escaped.replace(r"\ \.\.\.\ ", r"\b.*\b").replace(r"\-", r"[-\s]?").replace(r"\*", r"\w*")


def _table(text: str) -> dict[str, tuple[str, ...]]:
    """Return the terms of each kind; a line that is indented continues the one before."""
    table: dict[str, tuple[str, ...]] = {}
    for line in re.sub(r"\n\s+", " ", text.strip()).splitlines():
        kind, _, terms = line.partition(":")
        table[kind] = tuple(term.strip() for term in terms.split(",") if term.strip())
    return table


_JOINING = """
a an and as at by for from in into its of on or the to with that this over after amid under up out off his her their
our
och i av på för till med som en ett den det sin sitt sina vid efter hos
et de du des la le les l d au aux un une pour avec dans sur par en son sa ses
und der die das für mit von im zu
"""
STOP_WORDS = frozenset(_JOINING.split())

PLACES: Mapping[str, tuple[str, ...]] = _table("""
eu: eu, european, europe, europeisk*, europeen*, europa, ema, chmp, ec
us: us, u.s., usa, u.s.a., fda, american, america, united states, etats-unis, amerikansk*, americain*
jp: japan*, japon*, pmda, mhlw
cn: china, chinese, chine, chinois*, kina, kinesisk*, nmpa
ca: canad*, kanad*
uk: uk, u.k., britain, british, england, mhra, united kingdom, storbritannien, royaume-uni, scotland, nice
kr: korea*, mfds, sydkorea*
au: australia*, australien, tga
se: sweden, swedish, sverige, svensk*, lakemedelsverket, medical products agency, tlv, suede, suedois*
fr: france, french, frankrike, francais*, ansm
de: german*, tyskland, allemagne, deutschland
ch: switzerland, swiss*, schweiz, suisse
in: india, indian, indien, cdsco
br: brazil*, brasil*, anvisa, bresil
il: israel*
no: norway, norwegian, norge, norsk*
dk: denmark, danish, danmark, dansk*
fi: finland, finnish, fimea
es: spain, spanish, spanien, espagne
it: italy, italian, italien, italie
pt: portugal, portuguese
mx: mexic*
ru: russia*
tw: taiwan*
gulf: gulf, saudi, emirates, uae, qatar, kuwait, middle east
africa: africa*, mozambique, kenya, nigeria, afrique
vn: vietnam*
nz: new zealand
sg: singapore
nordic: nordic, nordics, norden, scandinavia*
""")

INTERVALS: Mapping[str, tuple[str, ...]] = _table("""
daily: daily, once-daily, twice-daily, dagligen
weekly: weekly, once-weekly, one-week, 1-week, veckovis, hebdomadaire*
two weeks: biweekly, fortnightly, two-week*, 2-week*, every two weeks
monthly: monthly, once-monthly, one-monthly, once a month, one-month, 1-month, every month, manadsvis, manads*,
  mensuel*
two months: two-month*, 2-month*, bimonthly, every two months
three months: three-month*, 3-month*, every three months, quarterly shot, quarterly injection, quarterly depot,
  trimestriel*
four months: four-month*, 4-month*, every four months
six months: six-month*, 6-month*, twice-yearly, twice a year, semi-annual, every six months, halvarsvis
yearly: yearly, once-yearly, once a year, 12-month*, twelve-month*
""")

FORMS: Mapping[str, tuple[str, ...]] = _table("""
oral: oral, orally, pill, pills, tablet, tablets, capsule, capsules, comprime*, tablett*
implant: implant, implants, implantable, implantat
injectable: depot, depots, long-acting, lai, lais, injectable, injectables, injection, injections, shot, shots, jab,
  jabs,
  microsphere, microspheres, sustained-release, extended-release, langverkande, injektion*, depotinjektion*,
  action prolongee, under-the-skin, subcutaneous
""")

# Deals of two kinds are two deals; a licence and a collaboration are often one.
DEAL_KINDS: Mapping[str, tuple[str, ...]] = _table("""
licence: licens*, licenc*, collaborat*, co-develop*, option, options, rights, alliance, samarbet*
supply: supply, supplies, supplied, supplier, manufactur*, leverans*, fourniture
distribution: distribut*
evaluation: evaluat*, feasibility, utvarder*
""")
OUTCOMES: Mapping[str, tuple[str, ...]] = _table("""
good: meets, met, hits, positive, succeed*, beat, beats, top, tops, win, wins, superior, positiv*, success*
bad: fail*, miss, misses, missed, flop*, negative, disappoint*, falls short, echoue*, misslyck*, negativ*
""")
DIRECTIONS: Mapping[str, tuple[str, ...]] = _table("""
up: raise, raises, raised, raising, lift, lifts, hike, hikes, hiked, increas*, boost*, up, rise, rises, grow*,
  surg*, soar*,
  jump*, hojer, releve*
down: cut, cuts, lower*, trim*, slash*, reduc*, decreas*, fall, falls, drop*, plung*, sank, sink, sinks, down,
  sanker, abaisse*
""")
ORDINALS: Mapping[str, tuple[str, ...]] = _table("""
2: second, 2nd, another, andra, deuxieme
3: third, 3rd, tredje, troisieme
4: fourth, 4th, fjarde
5: fifth, 5th
""")
MARKS: Mapping[str, tuple[str, ...]] = _table("""
negated: not, never, no longer, deny, denies, denied, isn't, doesn't, won't, hasn't, inte, ej, ne, pas, nicht
expected: await, awaits, awaiting, expect*, could, may, might, ahead of, eyes, eyeing, on track, near, nears,
  nearing, plan, plans,
  planned, planning, prepar*, would, set to, poised, hope, hopes, invit*, to present, to host, to attend, attend*,
  vantar,
  planerar, prevoit
changed: extend, extends, extended, extending, expand*, amend*, widen*, forlang*, utok*, etend*, prolong*
""")

# Of several that fit, the first one is the headline's event. A kind that is here twice has two ranks.
_EVENTS = """
deal ends: terminat* ... deal, terminat* ... agreement, terminat* ... collaboration, terminat* ... partnership,
  end ... agreement, ends ... agreement, ended ... agreement, end ... deal, ends ... deal, ends ... pact, end ...
  collaboration,
  ends ... collaboration, ends ... partnership, return ... rights, returns ... rights, regain* ... rights,
  gets back ... rights, hands back ... rights, exits ... deal, agreement ... terminated, collaboration ... ends
rejection: reject*, declin*, refus*, turn down, turns down, turned down, complete response, crl, crls, snub*,
  avslag, avslar,
  rejette*
delay: delay*, postpone*, pushes back, forsen*, reporte*
halt: halt*, pause, pauses, paused, clinical hold, on hold, discontinu*, drops, dropped, abandon*, ditch*, scrap*,
  shelv*,
  terminat*, suspend*, withdraw*, pull, pulls, pulled, avbryt*, arrete*
recall: recall*, aterkall*, rappel*, adverse event, adverse events, death, deaths, boxed warning, black box, safety
  signal,
  safety alert, safety warning
reimbursement: reimburs*, tlv, price approval, pricing approval, formans*, rembours*
acceptance: accept* ... filing, accept* ... application, accept* ... submission, accept* ... resubmission, accept*
  ... nda,
  accept* ... bla, accept* ... maa, validat* ... application, filing accepted, application accepted, priority review,
  under review, fda review, ema review, regulatory review, accept, accepts
opinion: chmp, positive opinion, negative opinion, recommend*, backs, backed, backing, panel, committee, advisers,
  advisors,
  thumbs-up, rekommender*, avis favorable, endors*
orphan designation: orphan*, sarlakemedel*, orphelin*
fast track: fast-track*
breakthrough designation: breakthrough*
designation: designat*
trial cleared: ind ... clear*, cta ... approved, trial ... cleared, clear* ... ind, approv* ... ind, approv* ... to
  start
approval: approves, approved, greenlights, okays, cleared, clears, godkanner, godkand*, approuve*, autorise*
filing: file, files, filed, filing, submit, submits, submitted, submission, submissions, apply, applies, applied,
  seek, seeks,
  sought, resubmi*, application, applications, nda, ndas, snda, bla, maa, ansoker, ansokan, lamnar in, depose*,
  soumet*
approval: approv*, nod, nods, clear, clearance, green-light*, go-ahead, ok, authoris*, authoriz*, sign-off,
  *godkannande*,
  approbation, autorisation, amm
milestone: milestone, milestones, milstolp*, royalt*, jalon*
guidance: guidance, outlook, forecast, forecasts, prognos*, prevision*
financial report: sales, first-half, second-half, nine-month*, q1, q2, q3, q4, h1, h2, 1h, 2h, quarter*, half-year*,
  full-year*, annual report, annual results, interim report, year-end, fiscal, earnings, revenue, revenues, net
  sales, delarsrapport*, bokslut*, arsredovisning*, chiffre d'affaires, resultats annuels, resultats semestriels
enrolment complete: complet* ... enrol*, complet* ... recruit*, enrol* complete*, recruitment complete*, fully
  enrolled,
  last patient
trial result: top-line, result, results, data, endpoint, endpoints, read-out, read-outs, reads out, meets, met,
  miss, misses, missed,
  fail, fails, failed, flop*, show, shows, showed, hits, resultat*, succeed*, efficacy
trial start: first patient, first patients, first participant, first subject, first volunteer, dose, doses, dosed,
  dosing, initiat*,
  start, starts, started, begin*, began, kicks off, enters phase, enters the clinic, enter the clinic, inleder,
  startar, pabor*,
  forsta patient*, debut*, demarr*, heads to, moves into
patent: patent, patents, brevet, brevets, intellectual property
rights sold: sell* ... rights, sold ... rights
rights: acquir* ... rights, buys ... rights, bought ... rights
acquisition: acqui*, buy, buys, buying, buyout, bought, takeover, merg*, tender offer, forvarv*, rachat, rachete,
  swallow*, snaps up,
  scoops up
launch: launch*, roll-out, roll-outs, rolls out, lanser*, lancement, lance, available
deal: licens*, licenc*, deal, deals, pact, pacts, collaborat*, partner*, agreement, agreements, alliance,
  co-develop*, option,
  options, rights, team up, teams up, teamed up, join forces, joins forces, tie-up, *avtal, samarbet*, accord,
  accords, contrat,
  contrats, contract, contracts, ink, inks, inked, tap, taps, tapped, sign, signs, signed
financing: raise, raises, share issue, rights issue, ipo, placement, funding, grant, grants, emission, levee de fonds
people: appoint*, names, hire, hires, steps down, ceo, cfo, utser, nomme*
publication: publish*, publication, journal, nejm, lancet, jama, publicer*, publie*
plant: plant, plants, factory, facility, manufactur*, gmp, shortage, shortages, fabrik*, usine
"""
EVENTS: tuple[tuple[str, tuple[str, ...]], ...] = tuple(
    entry for line in re.sub(r"\n\s+", " ", _EVENTS.strip()).splitlines() for entry in _table(line).items()
)

# They neither distinguish two events nor show that two headlines are about one.
_PLAIN = """
announce announced announces report reported reports say said says unveil unveils reveal reveals disclose disclosed
get gets got gain gains gained win wins won secure secures secured receive receives received obtain obtains obtained
score
scores scored nab nabs bag bags bagged land lands landed clinch clinches earn earns snag snags pick picks grab grabs
grant granted grants give gives given make makes made take takes taken hold holds keep keeps put puts set sets see
sees
is are was were be been being has have had do does did will can new now today latest late early final full more most
first last next big major key long short high low top best good positive strong global worldwide international
company companies firm biotech biotechs drugmaker pharma pharmaceutical pharmaceuticals biopharma biopharmaceutical
therapeutic therapeutics bioscience biosciences science sciences healthcare health group holding inc ltd plc corp co
ab
sa ag nv se publ gmbh llc limited maker giant startup spinout subsidiary unit shares share stock investor investors
drug drugs medicine medicines medication treatment treatments therapy therapies product products candidate candidates
asset assets programme program programs project pipeline portfolio formulation formulations technology tech
technologies
platform platforms dose doses dosing use version label indication indications application applications
patient patients adult adults people disease disorder condition users
enter entered entering into sign signed signing strike strikes struck ink inked pen pens seal seals reach reached join
pay pays paid paying spend spends bet bets upfront payment payments worth potential biobucks million billion value
valued
develop develops developed developing development commercialise commercialize commercialisation commercialization
market marketing exclusive strategic definitive multi-year multiyear joint research license licensing licence
regulator
regulators regulatory agency authority authorities commission watchdog decision ruling vote meeting panel
trial trials study studies clinical phase pivotal late-stage mid-stage early-stage stage test tests testing
enrolment enrollment enroll enrolled enrolling recruit recruits begin begins complete completes completed completing
month months week weeks year years day days time once twice every per acting release extended sustained based
half-year half quarter annual interim quarterly period result figures update business highlights provide provides
far fil fick vinner meddelar rapporterar bolaget lakemedel behandling ny nytt nya marknad marknaden ingar tecknar
om patienter studie studien fas produkt
annonce annonces signe signent obtient recoit remporte societe laboratoire traitement medicament nouveau nouvelle
essai
etude marche
"""
PLAIN_WORDS = frozenset(_PLAIN.split())
