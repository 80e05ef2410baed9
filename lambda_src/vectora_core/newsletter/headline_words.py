"""Vocabulary of headlines: places, products' forms and intervals, events, and words that name nothing."""

from __future__ import annotations

import re

# Words that only join others, in the languages of the sources.
STOP_WORDS = frozenset(
    """
    a an and as at by for from in into its of on or the to with that this over after amid under up out off his her their our
    och i av på för till med som en ett den det sin sitt sina vid efter hos
    et de du des la le les l d au aux un une pour avec dans sur par en son sa ses
    und der die das für mit von im zu
    """.split()
)

# Each word stands for the place; a headline that names several has several.
PLACES = {
    "eu": "eu|european|europe|europeisk\\w*|européen\\w*|europa|ema|chmp|ec|european commission|europeenne?",
    "us": "us|u\\.s\\.?|usa|u\\.s\\.a\\.?|fda|american|america|united states|etats-unis|amerikansk\\w*|americain\\w*",
    "jp": "japan\\w*|japon\\w*|pmda|mhlw",
    "cn": "chin(?:a|ese|e|ois\\w*)|kina|kinesisk\\w*|nmpa",
    "ca": "canad\\w+|kanad\\w+",
    "uk": "uk|u\\.k\\.?|britain|british|england|mhra|united kingdom|storbritannien|royaume-uni|scotland|nice",
    "kr": "korea\\w*|mfds|sydkorea\\w*",
    "au": "australia\\w*|australien|tga",
    "se": "sweden|swedish|swedes|sverige|svensk\\w*|lakemedelsverket|medical products agency|tlv|suede|suedois\\w*",
    "fr": "france|french|frankrike|francais\\w*|ansm",
    "de": "german\\w*|tyskland|allemagne|deutschland",
    "ch": "switzerland|swiss\\w*|schweiz|suisse",
    "in": "india|indian|indien|cdsco",
    "br": "brazil\\w*|brasil\\w*|anvisa|bresil",
    "il": "israel\\w*",
    "no": "norway|norwegian|norge|norsk\\w*",
    "dk": "denmark|danish|danmark|dansk\\w*",
    "fi": "finland|finnish|fimea",
    "es": "spain|spanish|spanien|espagne",
    "it": "italy|italian|italien|italie",
    "pt": "portugal|portuguese",
    "mx": "mexic\\w+",
    "ru": "russia\\w*",
    "tw": "taiwan\\w*",
    "gulf": "gulf|saudi|emirates|uae|qatar|kuwait|middle east",
    "africa": "africa\\w*|mozambique|kenya|nigeria|afrique",
    "vn": "vietnam\\w*",
    "nz": "new zealand",
    "sg": "singapore",
    "nordic": "nordics?|norden|scandinavia\\w*",
}

INTERVALS = {
    "daily": "(?:once|twice)?-?\\s?daily|dagligen",
    "weekly": "(?:once-?\\s?)?weekly|one-week|1-week|veckovis|hebdomadaire",
    "two weeks": "biweekly|fortnightly|two-week\\w*|2-week\\w*|every two weeks",
    "monthly": "(?:once-?\\s?|one-?\\s?)?monthly|once a month|one-month|1-month|every month|manadsvis|manads\\w*|mensuel\\w*",
    "two months": "two-month\\w*|2-month\\w*|bimonthly|every two months",
    "three months": "three-month\\w*|3-month\\w*|every three months|quarterly (?:shot|injection|dos\\w+|depot)|trimestriel\\w*",
    "four months": "four-month\\w*|4-month\\w*|every four months",
    "six months": "six-month\\w*|6-month\\w*|twice-?\\s?yearly|twice a year|semi-?annual|every six months|halvarsvis",
    "yearly": "(?:once-?\\s?)?yearly|once a year|12-month\\w*|twelve-month\\w*",
}

FORMS = {
    "oral": "oral|orally|pills?|tablets?|capsules?|comprimes?|tablett\\w*",
    "implant": "implants?|implantable|implantat",
    "injectable": (
        "depots?|long-?\\s?acting|lais?|injectables?|injections?|shots?|jabs?|microspheres?|sustained-?\\s?release|extended-?\\s?release|"
        "langverkande|injektion\\w*|depotinjektion\\w*|action prolongee|under-the-skin|subcutaneous"
    ),
}

# Of several that fit, the first one is the headline's event.
_DEAL = (
    "licen[sc]\\w*|deals?|pacts?|collaborat\\w*|partner\\w*|agreements?|alliance|co-?develop\\w*|options?|rights|team(?:s|ed)? up|"
    "join(?:s|ed)? forces|tie-?up|\\w*avtal|samarbet\\w*|accords?|contrats?|contracts?|inks?|taps|signs?|tapped"
)
_FILED = "fil(?:e|es|ed|ing)|submi(?:t|ts|tted|ssion|ssions)|appl(?:y|ies|ied)|seeks?|sought|ansoker|lamnar in|depose\\w*|soumet\\w*"
EVENTS = (
    (
        "deal ends",
        f"(?:terminat\\w+|ends?|ended|returns?|regain\\w*|gets? back|hands? back|exits?|walks? away)\\b.*\\b(?:{_DEAL})"
        f"|(?:{_DEAL})\\b.*\\b(?:terminated|ends|ended|collapses)",
    ),
    (
        "rejection",
        "reject\\w*|declin\\w+|refus\\w+|turn(?:s|ed)? down|complete response|crls?|snub\\w*|avslag|avslar|rejette\\w*",
    ),
    ("delay", "delay\\w*|postpone\\w*|pushes back|forsen\\w*|reporte\\w*"),
    (
        "halt",
        "halt\\w*|paus(?:e|es|ed)|clinical hold|on hold|discontinu\\w*|drop(?:s|ped)|abandon\\w*|ditch\\w*|scrap\\w*|shelv\\w*|"
        "terminat\\w*|suspend\\w*|withdraw\\w*|pulls?|pulled|avbryt\\w*|arrete\\w*",
    ),
    (
        "recall",
        "recall\\w*|aterkall\\w*|rappel\\w*|adverse events?|deaths?|boxed warning|black box|safety (?:signal|alert|warning)",
    ),
    ("reimbursement", "reimburs\\w*|tlv|pric(?:e|ing) approval|formans\\w*|rembours\\w*"),
    (
        "acceptance",
        "(?:accept\\w*|validat\\w*)\\b.*\\b(?:filing|application|submission|resubmission|nda|snda|bla|maa|dossier|review)s?"
        "|(?:filing|application|submission|nda|bla|maa)s? accepted|accepte[dr]? for review|priority review|under review|accepts?",
    ),
    (
        "opinion",
        "chmp|positive opinion|negative opinion|recommend\\w*|backs|backed|backing|panel|committee|advis[eo]rs|thumbs[- ]up|"
        "rekommender\\w*|avis favorable|endors\\w*",
    ),
    ("designation", "orphan\\w*|fast[- ]track\\w*|breakthrough\\w*|designat\\w*|sarlakemedel\\w*|orphelin\\w*"),
    (
        "trial cleared",
        "(?:ind|cta|trial|study)\\b.*\\b(?:clear\\w*|approved)|(?:clear\\w*|approv\\w*)\\b.*\\b(?:ind|cta|to start)",
    ),
    ("approval", "approves|approved|greenlights|okays|cleared|clears|godkanner|godkands?|approuve\\w*|autorise\\w*"),
    ("filing", _FILED + "|resubmi\\w*|applications?|ansokan|ndas?|sndas?|blas?|maas?|new drug application"),
    (
        "approval",
        "approv\\w*|nods?|clear|clear(?:s|ed|ance)|green-?\\s?light\\w*|go-ahead|ok|authori[sz]\\w*|sign-?off|\\w*godkannande\\w*|"
        "approbation|autorisation|amm|\\w*godkannand\\w*",
    ),
    ("milestone", "milestones?|milstolp\\w*|royalt\\w+|jalon\\w*"),
    ("guidance", "guidance|outlook|forecasts?|prognos\\w*|previsions?"),
    (
        "financial report",
        "q[1-4]|h[12]|[12]h|quarter\\w*|half-?year\\w*|full-?year\\w*|annual (?:report|results?)|interim report|year-?end|fiscal|earnings|"
        "revenues?|net sales|delarsrapport\\w*|bokslut\\w*|arsredovisning\\w*|chiffre d'affaires|resultats (?:annuels|semestriels)",
    ),
    (
        "enrolment complete",
        "complet\\w*\\b.*\\b(?:enrol\\w*|recruit\\w*)|(?:enrol\\w*|recruitment) complete\\w*|fully enrolled|last patient",
    ),
    (
        "trial result",
        "top-?line|results?|data|endpoints?|read-?outs?|reads out|meets|met|miss(?:es|ed)?|fail(?:s|ed)?|flop\\w*|show(?:s|ed)?|hits|"
        "resultat\\w*|succeed\\w*|efficacy",
    ),
    (
        "trial start",
        "first (?:patient|participant|subject|volunteer)s?|dos(?:es|ed|ing)|initiat\\w*|start(?:s|ed)?|begin\\w*|began|kicks off|enter(?:s|ed)? (?:the clinic|phase|trials?)|"
        "inleder|startar|pabor\\w*|forsta patient\\w*|debut\\w*|demarr\\w*|heads to|moves into",
    ),
    ("patent", "patents?|brevets?|intellectual property"),
    ("rights", "(?:acquir\\w*|buys?|bought|sells?|sold)\\b.*\\b(?:rights|licen[sc]\\w*)"),
    (
        "acquisition",
        "acqui\\w*|buys?|buying|buyout|bought|takeover|merg\\w*|tender offer|forvarv\\w*|rachat|rachete|swallow\\w*|snaps up|scoops up",
    ),
    ("launch", "launch\\w*|roll-?\\s?outs?|rolls out|lanser\\w*|lancement|available|lance"),
    ("deal", _DEAL),
    (
        "financing",
        "raises?|share issue|rights issue|ipo|placement|funding|grants?|series [a-f]|emission|levee de fonds",
    ),
    ("people", "appoint\\w*|names|hires?|steps down|ceo|cfo|utser|nomme\\w*"),
    ("publication", "publish\\w*|publication|journal|nejm|lancet|jama|publicer\\w*|publie\\w*"),
    ("plant", "plants?|factory|facility|manufactur\\w*|gmp|shortages?|fabrik\\w*|usine"),
)

# Kinds of deals that are not each other's paraphrase; a licence and a collaboration are.
DEAL_KINDS = {
    "licence": "licen[sc]\\w*|collaborat\\w*|co-?develop\\w*|options?|rights|alliance|licensavtal|samarbet\\w*",
    "supply": "suppl\\w+|manufactur\\w*|leverans\\w*|fourniture",
    "distribution": "distribut\\w*",
    "evaluation": "evaluat\\w*|feasibility|utvarder\\w*",
}
CHANGED_DEAL = "extend\\w*|expand\\w*|amend\\w*|widen\\w*|forlang\\w*|utok\\w*|etend\\w*|prolong\\w*"
OUTCOMES = {
    "good": "meets|met|hits|positive|succeed\\w*|beats?|tops?|win|wins|superior|positiv\\w*|success\\w*",
    "bad": "fail\\w*|miss(?:es|ed)?|flop\\w*|negative|disappoint\\w*|falls short|echoue\\w*|misslyck\\w*|negativ\\w*",
}
DIRECTIONS = {
    "up": "rais(?:e|es|ed|ing)|lifts?|hik(?:e|es|ed)|increas\\w*|boost\\w*|up|rise|rises|grow\\w*|surg\\w*|soar\\w*|jump\\w*|hojer|releve\\w*",
    "down": "cuts?|lower\\w*|trim\\w*|slash\\w*|reduc\\w*|decreas\\w*|fall|falls|drop\\w*|plung\\w*|sank|sinks?|down|sanker|abaisse\\w*",
}
NEGATED = "not|never|no longer|den(?:y|ies|ied)|\\w+n't|inte|ej|ne|pas|nicht"
EXPECTED = (
    "awaits?|awaiting|expect\\w*|could|may|might|ahead of|eyes|eyeing|on track|near(?:s|ing)?|plan(?:s|ned|ning)?|prepar\\w*|would|"
    "set to|poised|hopes?|invit\\w*|to present|to host|to attend|vantar|planerar|attend\\w*|prevoit"
)
ORDINALS = {
    "2": "second|2nd|another|andra|deuxieme",
    "3": "third|3rd|tredje|troisieme",
    "4": "fourth|4th|fjarde",
    "5": "fifth|5th",
}

# Words that name nothing: they neither tell two events apart nor show that two headlines are about one.
PLAIN_WORDS = frozenset(
    """
    announce announced announces report reported reports say said says unveil unveils reveal reveals disclose disclosed
    get gets got gain gains gained win wins won secure secures secured receive receives received obtain obtains obtained score
    scores scored nab nabs bag bags bagged land lands landed clinch clinches earn earns snag snags pick picks grab grabs
    grant granted grants give gives given make makes made take takes taken hold holds keep keeps put puts set sets see sees
    is are was were be been being has have had do does did will can new now today latest late early final full more most
    first last next big major key long short high low top best good positive strong global worldwide international
    company companies firm biotech biotechs drugmaker pharma pharmaceutical pharmaceuticals biopharma biopharmaceutical
    therapeutic therapeutics bioscience biosciences science sciences healthcare health group holding inc ltd plc corp co ab
    sa ag nv se publ gmbh llc limited maker giant startup spinout subsidiary unit shares share stock investor investors
    drug drugs medicine medicines medication treatment treatments therapy therapies product products candidate candidates
    asset assets programme program programs project pipeline portfolio formulation formulations technology tech technologies
    platform platforms dose doses dosing use version label indication indications application applications
    patient patients adult adults people disease disorder condition users
    enter entered entering into sign signed signing strike strikes struck ink inked pen pens seal seals reach reached join
    pay pays paid paying spend spends bet bets upfront payment payments worth potential biobucks million billion value valued
    develop develops developed developing development commercialise commercialize commercialisation commercialization
    market marketing exclusive strategic definitive multi-year multiyear joint research license licensing licence regulator
    regulators regulatory agency authority authorities commission watchdog decision ruling vote meeting panel health
    trial trials study studies clinical phase pivotal late-stage mid-stage early-stage stage test tests testing programme
    enrolment enrollment enroll enrolled enrolling recruit recruits begin begins complete completes completed completing
    month months week weeks year years day days time once twice every per acting release extended sustained based
    half-year half quarter annual interim quarterly period result figures update business highlights provide provides
    far fil fick vinner meddelar rapporterar bolaget lakemedel behandling ny nytt nya marknad marknaden ingar tecknar avtal
    om behandling patienter studie studien fas produkt
    annonce annonces signe signent obtient recoit remporte societe laboratoire traitement medicament nouveau nouvelle essai
    etude marche resultats
    """.split()
)


def pattern_of(words: str) -> re.Pattern[str]:
    """Return the pattern of whole words in a folded headline in lower case."""
    return re.compile(rf"(?<![a-z0-9])(?:{words})(?![a-z0-9])")
