# ruff: noqa: RUF001
"""Names of the months, written by `python -m tools.month_names` from Unicode CLDR (licence: Unicode-3.0)."""

from __future__ import annotations

_NAMES = """
ene enero gen gennaio ian ianuarie jaan jaanuar jan janeiro janner januar januara januari january január \
januára janv janvaris janvier janvāris janúar jän jänner led leden ledna sty styczen styczeń stycznia tammi \
tammikuu tammikuuta ιαν ιανουάριοσ ιανουαρίου ιανουαριοσ ιανουαριου січ січень січня янв январь января
feb febbraio febr febrero februar februara februari februarie februaris february február februára februāris \
febrúar fev fevereiro fevr fevrier fév févr février helmi helmikuu helmikuuta lut lutego luty uno unor unora \
veebr veebruar úno únor února φεβ φεβρουάριοσ φεβρουαρίου φεβρουαριοσ φεβρουαριου лют лютии лютий лютого февр \
февраль февраля
bre brezen brezna bře březen března maalis maaliskuu maaliskuuta maart mar marca march marco marec mars martie \
marts marz marzec marzo março mrt mrz mär märts märz μάρ μάρτιοσ μαρ μαρτίου μαρτιοσ μαρτιου бер березень \
березня мар март марта
abr abril apr april aprila aprile aprilie aprilis aprill apríl apríla aprīlis avr avril dub duben dubna huhti \
huhtikuu huhtikuuta kwi kwiecien kwiecień kwietnia απρ απρίλιοσ απριλίου απριλιοσ απριλιου апр апрель апреля \
квіт квітень квітня
kve kveten kvetna kvě květen května mag maggio mai maijs maio maj maja may mayo maí mei máj mája touko toukokuu \
toukokuuta μάι μάιοσ μαι μαιοσ μαιου маи май мая трав травень травня
cerven cervna cvn cze czerwca czerwiec giu giugno iun iunie juin jun juna june junho juni junijs junio juuni \
jún júna júní jūn jūnijs kesa kesakuu kesakuuta kesä kesäkuu kesäkuuta červen června čvn ιουν ιουνίου ιουνιοσ \
ιουνιου ιούν ιούνιοσ июн июнь июня черв червень червня
cervence cervenec cvc heina heinakuu heinakuuta heinä heinäkuu heinäkuuta iul iulie juil juill juillet jul jula \
julho juli julijs julio july juuli júl júla júlí jūl jūlijs lip lipca lipiec lug luglio července červenec čvc \
ιουλ ιουλίου ιουλιοσ ιουλιου ιούλ ιούλιοσ июл июль июля лип липень липня
ago agosto agu agust aout aoû août aug august augusta augusti augusts augustus elo elokuu elokuuta sie sierpien \
sierpień sierpnia srp srpen srpna ágú ágúst αυγ αυγουστοσ αυγουστου αυγούστου αύγ αύγουστοσ авг август августа \
серп серпень серпня
sep sept september septembra septembre septembrie septembris septiembre set setembro settembre syys syyskuu \
syyskuuta wrz wrzesien wrzesień wrzesnia września zar zari zář září σεπ σεπτέμβριοσ σεπτεμβρίου σεπτεμβριοσ \
σεπτεμβριου вер вересень вересня сент сентябрь сентября
loka lokakuu lokakuuta oct october octobre octombrie octubre okt oktober oktobra oktobris oktoober október \
októbra ott ottobre out outubro paz pazdziernik pazdziernika paź październik października rij rijen rijna říj \
říjen října οκτ οκτωβρίου οκτωβριοσ οκτωβριου οκτώβριοσ жовт жовтень жовтня окт октябрь октября
lis listopad listopada listopadu marras marraskuu marraskuuta noiembrie nov november novembra novembre \
novembris novembro noviembre nóv nóvember νοέ νοέμβριοσ νοε νοεμβρίου νοεμβριοσ νοεμβριου лист листопад \
листопада нояб ноябрь ноября
dec december decembra decembre decembrie decembris des desember dets detsember dez dezember dezembro dic \
dicembre diciembre déc décembre gru grudnia grudzien grudzień joulu joulukuu joulukuuta pro prosince prosinec \
δεκ δεκέμβριοσ δεκεμβρίου δεκεμβριοσ δεκεμβριου груд грудень грудня дек декабрь декабря
"""
_LINES = _NAMES.strip().splitlines()
MONTHS = {name: number for number, line in enumerate(_LINES, start=1) for name in line.split()}
