"""Names of parameters that track a reader, and addresses that only redirect to another one.

The data is this project's own, under its licence: each name is from its vendor's documentation or seen in a feed.
ClearURLs' rules (LGPL-3.0) and AdGuard's list (GPL-3.0) cannot be shipped; `python -m tools.compare_link_rules` shows
which names a downloaded list has and this one does not.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# Names that never identify an article, on any site; compared in lower case.
_TRACKERS = """
__cft__ __hsdid __hsfp __hssc __hstc __readwiselocation __s __source __tn__ __twitter_impression _bhlid
_branch_match_id _branch_referrer _bta_c _bta_tid _cft_ _ga _gac _gl _ke _kuid _kx _openstat _openstatm _sgm_campaign
_trkparms action_object_map action_ref_map action_type_map at_campaign at_campaign_type at_creation at_custom1
at_custom2 at_custom3 at_custom4 at_emailtype at_format at_link_id at_link_origin at_link_type at_medium at_ptr_name
at_recipient_id at_recipient_list at_send_date at_source awt_l awt_m bbeml bsft_aaid bsft_clkid bsft_eid bsft_ek
bsft_mid bsft_uid campaign_content campaign_id campaign_medium campaign_name campaign_source campaign_term campid
ceneo_spo ck_subscriber_id cmpid cnvxe cx_click cx_recsorder cx_recswidget dclid dgcid dicbo dm_i echobox ef_id elqaid
elqat elqcampaignid elqcsid elqtrack elqtrackid emci emdi et_rid fb_action_ids fb_action_types fb_comment_id fb_ref
fb_source fb_xd_fragment fbclid feedname feedref feedtype gad_campaignid gad_source gbraid gclid gclsrc gdffi gdfms
gdftrk gps_adid gs_l guccounter guce_referrer guce_referrer_sig h_sid h_slt hmb_campaign hmb_medium hmb_source
hsctatracking hss_channel iclid ig_mid ig_rid igsh igshid inf_contact_key intcid intcmp irclickid irgwc li_fat_id lipi
mc_cid mc_eid mc_phishing_protection_id mc_tc mibextid mindbox-click-id mindbox-message-key mkevt mkrid mkt_tok mkwid
ml_subscriber ml_subscriber_hash msclkid msockid ncid nr_email_referer ns_campaign ns_fee ns_linkname ns_mchannel
ns_source ocid oft_c oft_ck oft_d oft_id oft_ids oft_k oft_lk oft_sk oly_anon_id oly_enc_id os_ehash pk_campaign
pk_cid pk_content pk_keyword pk_kwd pk_medium pk_source rb_clickid recip_id ref_src ref_url reflink rtkcid s_cid
s_kwcid sc_campaign sc_channel sc_cid sc_content sc_country sc_customer sc_eh sc_geo sc_llid sc_medium sc_outcome
sc_uid sccid sfmc_id sfmc_sub simplereach_source sms_click sms_source sms_uph smtyp smuid soc_src soc_trk spjobid spm
spmailingid spreportid spuserid sref srnd srsltid ss_email_id ss_source sscid syclid taboola_campaign_id tblci
tdsourcetag trackingid trk trk_contact trk_module trk_msg trk_sid trkcampaign trkinfo tt_content tt_medium ttclid
tw_adid tw_campaign tw_kwdid tw_source tw_term twclid unicorn_click_id user_email_address utm vero_conv vero_id vgo_ee
vmcid vn_campaign vn_medium vn_source wbraid wickedid wickedsource wpsrc wt.ec_id wt.mc_ev wt.mc_id wt.nav wt.srch
wt.tsrc wt_mc wt_mc_id wt_zmc wtrid xtor yclid ymclid ysclid zanpid
"""
TRACKERS = frozenset(_TRACKERS.split())
_TRACKER_PREFIXES = """
_hs cm_cat cm_ite cm_mmc cm_pla cm_ven ga_campaign ga_content ga_medium ga_place ga_source ga_term hmb_ hsa_ itm_
matomo_ mkt_ mtm_ oly_ piwik_ stm_ utm- utm_ vero_
"""
TRACKER_PREFIXES = tuple(_TRACKER_PREFIXES.split())

# Names that track a reader only with such a value, or without any: "?ref=rss" or "?ref=paper.example", never
# "?ref=2025-114", which may be the article's number.
_CHANNEL_NAMES = """
af campaign channel cid cmp dist emc entry_point entrypoint feed feed_id feeds from ito link_source linksource medium
mid mod ns origin partner pf query redir ref refer referer referrer rss rssfeed share share_source shared sharetype
sharing_type sid social source spref src tag_source tc track trackid tracking via
"""
CHANNEL_NAMES = frozenset(_CHANNEL_NAMES.split())
CHANNEL_VALUE = re.compile(
    r"""(?:
        (?:the[-_])?(?:rss|atom|feed|xml)s?\d{0,3}(?:[-_./:].{0,80}|feed\w*|currentissue)?
        | .{1,40}[-_](?:rss|atom|feed)s?\d{0,3}(?:[-_].{0,40})?
        | (?:e-?mail|newsletter|mail|nl|alert|digest|push|app|ios|android|web|www|mobile|amp|sms
            |print|toc|etoc)s?(?:[-_][a-z_-]{0,60})?
        | (?:facebook|fb|twitter|tw|x|linkedin|li|instagram|ig|whatsapp|wa|telegram|tg|reddit|youtube|yt|pinterest
            |tiktok|threads|bluesky|bsky|mastodon|xing|weibo|wechat|hackernews|hn|googlenews|google|bing|yahoo|flipboard|feedly
            |inoreader|pocket|feedburner|producthunt|substack|medium|outlook|gmail|slack)(?:[-_.][a-z_.-]{0,60})?
        | (?:social|share|sharing|copy[-_]?link|copylink|homepage|home|header|footer|sidebar|related
            |recommend(?:ed|ation)s?|organic|cpc|ppc|banner|widget|search|serp|front[-_]?page|featured(?:_home)?|more|breadcrumb|nav|menu|ticker
            |teaser)(?:[-_][a-z_-]{0,60})?
        | (?:https?://)?(?:[a-z0-9-]{1,63}\.){1,4}(?!html?|php|aspx?|pdf|xml|jsp)[a-z]{2,15}/?
    )""",
    re.IGNORECASE | re.VERBOSE,
)
# Of these, only the given values are a channel's: the same names hold an article's number elsewhere.
SHORT_VALUES = {
    "rss": frozenset({"1", "yes", "true"}),
    "feed": frozenset({"1", "yes", "true"}),
    "af": frozenset({"r"}),
    "spref": frozenset({"tw", "fb", "bl", "gp"}),
    "partner": frozenset({"yahoo", "msn", "smartnews"}),
    "share": frozenset({"1", "yes", "true"}),
    "shared": frozenset({"1", "yes", "true"}),
}

# Parameters of single sites, by the end of their host name.
SITE_TRACKERS = {
    "globenewswire.com": frozenset({"f", "fvtc", "fvtv", "fvts"}),
    "prnewswire.com": frozenset({"tc", "rkey"}),
    "businesswire.com": frozenset({"feedref", "_gl"}),
    "nytimes.com": frozenset({"partner", "emc", "smid", "smtyp", "referringsource"}),
    "wsj.com": frozenset({"mod", "reflink", "st"}),
    "theguardian.com": frozenset({"cmp"}),
    "bloomberg.com": frozenset({"sref", "srnd", "leadsource"}),
    "reuters.com": frozenset({"rpc", "taid", "feedtype", "feedname"}),
    "linkedin.com": frozenset({"trackingid", "refid", "rcm", "lipi"}),
    "medium.com": frozenset({"source"}),
    "news.google.com": frozenset({"oc", "hl", "gl", "ceid"}),
    "twitter.com": frozenset({"s", "t", "cxt"}),
    "x.com": frozenset({"s", "t", "cxt"}),
    "youtube.com": frozenset({"feature", "si", "pp", "ab_channel"}),
    "youtu.be": frozenset({"feature", "si"}),
    "msn.com": frozenset({"ocid", "cvid", "ei", "pc"}),
    "yahoo.com": frozenset({".tsrc", "tsrc", "soc_src", "soc_trk"}),
    "substack.com": frozenset({"r", "s", "showwelcomeonshare", "triedredirect"}),
    "rumble.com": frozenset({"e9s"}),
    "spotify.com": frozenset({"si"}),
    "nature.com": frozenset({"error", "code", "proof"}),
    "nejm.org": frozenset({"ssource"}),
}


class Wrapper(NamedTuple):
    """Redirect service: the address that it leads to is in one of the parameters, or a group of `path`."""

    host: re.Pattern[str]
    path: re.Pattern[str]
    parameters: tuple[str, ...] = ()
    encoding: str = "percent"  # percent, base64, proofpoint


def _wrapper(host: str, path: str, *parameters: str, encoding: str = "percent") -> Wrapper:
    flags = re.IGNORECASE
    return Wrapper(re.compile(rf"(?:.+\.)?(?:{host})", flags), re.compile(path, flags), parameters, encoding)


_GOOGLE = r"google\.[a-z]{2,3}(?:\.[a-z]{2})?"
WRAPPERS = (
    _wrapper(_GOOGLE, r"/(?:url|scholar_url|interstitial)", "url", "q"),
    _wrapper(_GOOGLE, r"/imgres", "imgrefurl"),
    _wrapper(_GOOGLE, r"/amp/s/(?P<secure>.+)"),
    _wrapper(r"cdn\.ampproject\.org", r"/[cv]/s/(?P<secure>.+)"),
    _wrapper(r"news\.google\.com", r"/(?:rss/)?articles/(?P<target>[\w-]+=*)", encoding="base64"),
    _wrapper(r"translate\.google\.com", r"/(?:translate|website)", "u"),
    _wrapper(r"googleadservices\.com|doubleclick\.net", r"/.*", "adurl", "url"),
    _wrapper(r"bing\.com", r"/(?:news/apiclick\.aspx|alink/link)", "url"),
    _wrapper(r"bing\.com", r"/ck/a", "u", encoding="base64"),
    _wrapper(r"(?:facebook|instagram|messenger|workplace)\.com", r"/(?:l\.php|flx/warn/?|)", "u"),
    _wrapper(r"threads\.(?:net|com)", r"/", "u"),
    _wrapper(r"safelinks\.protection\.(?:outlook|office365)\.(?:com|us)", r"/.*", "url"),
    _wrapper(r"(?:statics\.)?teams\.cdn\.office\.net", r"/evergreen-assets/safelinks/.*", "url"),
    _wrapper(r"safelink\.emails\.azure\.net", r"/redirect/?", "destination"),
    _wrapper(r"t\.umblr\.com", r"/redirect", "z"),
    _wrapper(r"href\.li", r"/", ""),
    _wrapper(r"duckduckgo\.com", r"/l/?", "uddg", "u"),
    _wrapper(r"search\.yahoo\.(?:com|co\.jp)", r"/.*?/RU=(?P<target>[^/]+)(?:/.*)?"),
    _wrapper(r"urldefense\.proofpoint\.com", r"/v1/url", "u"),
    _wrapper(r"urldefense\.proofpoint\.com", r"/v2/url", "u", encoding="proofpoint"),
    _wrapper(r"linkprotect\.cudasvc\.com", r"/url", "a"),
    _wrapper(r"secure-web\.cisco\.com", r"/.*?/(?P<target>https?%3a%2f%2f.+)"),
    _wrapper(r"linkedin\.com", r"/(?:redir/redirect|redir/general-malware-page|safety/go|slink)/?", "url"),
    _wrapper(r"linkedin\.com", r"/(?:authwall|uas/login|signup/cold-join)", "sessionRedirect", "session_redirect"),
    _wrapper(r"medium\.com", r"/(?:r/?|m/global-identity(?:-2)?)", "url", "redirectUrl"),
    _wrapper(r"youtube\.com", r"/redirect", "q"),
    _wrapper(r"vk\.com", r"/away\.php", "to"),
    _wrapper(r"out\.reddit\.com", r"/.*", "url"),
    _wrapper(r"slack-redir\.net", r"/link", "url"),
    _wrapper(r"getpocket\.com|pocket\.co", r"/redirect", "url"),
    _wrapper(r"flipboard\.com", r"/redirect", "url"),
    _wrapper(r"deviantart\.com", r"/users/outgoing", ""),
    _wrapper(r"steamcommunity\.com", r"/linkfilter/?", "url", "u"),
    _wrapper(r"exit\.sc|outgoing\.prod\.webservices\.mozgcp\.net", r"/.*", "url"),
    _wrapper(r"c212\.net|cts\.businesswire\.com", r"/c(?:/link/?|t/CT)", "u", "url"),
    _wrapper(r"click\.linksynergy\.com", r"/.*", "murl"),
    _wrapper(r"(?:go\.redirectingat|go\.skimresources|redirect\.viglink)\.com", r"/.*", "url", "u"),
    _wrapper(r"awin1\.com", r"/.*", "ued"),
    _wrapper(r"go\.theregister\.com", r"/feed/(?P<secure>.+)"),
    _wrapper(r"rss\.sciencedirect\.com", r"/action/redirectFile", "url"),
    _wrapper(r"researchgate\.net", r"/deref/(?P<target>.+)"),
    _wrapper(r"link\.zhihu\.com", r"/", "target"),
    _wrapper(r"weibo\.(?:cn|com)", r"/sinaurl", "u", "toasturl"),
    _wrapper(r"prf\.hn", r"/.*?/destination:(?P<target>[^/]+.*)"),
)
# Proofpoint's version 3: the address, with "*" for characters that it replaced, then these in base64.
DEFENDED = re.compile(
    r"https?://urldefense(?:\.us|\.com|\.proofpoint\.com)/v3/__(?P<target>.+?)__;(?P<replaced>[\w-]*=*)!.*",
    re.IGNORECASE,
)
WRAPPED_IN_A_PATH = re.compile(
    rf"https?://(?:[^/]+\.)?(?:{_GOOGLE}/(?:amp/s|articles|rss/articles)/|cdn\.ampproject\.|search\.yahoo\.|urldefense\."
    r"|secure-web\.cisco\.|prf\.hn/|go\.theregister\.|researchgate\.net/deref/)",
    re.IGNORECASE,
)
