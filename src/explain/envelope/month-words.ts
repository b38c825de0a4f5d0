/**
 * Languages whose month names Intl has or {@link GLIBC} adds. If a word could be of several languages, the first one
 * counts.
 */
export const LANGUAGES = `
en zh es de fr ja pt ru it ko pl nl tr cs sv da nb fi hu uk ro el bg hr sk sl sr lt lv et ca eu gl
he ar fa hi bn id ms th vi aa ab af agr ak am an anp as ast ayc az be bem ber bhb bho bi bo br brx
bs byn ce chr ckb cmn crh csb cv cy doi dsb dv dz ff fil fo fur fy ga gd gez gu gv ha hak hif hne
hsb ht hy ia ig ik is iu ka kab kk kl km kn kok ks ku kw ky lb lg li lij ln lo lzh mag mai mfe mg
mhr mi miq mjw mk ml mn mni mnw mr mt my nan nds ne nhn niu nn nr nso oc om or os pa pap ps quz raj
rif rw sa sah sat sc sd se sgs shn shs si sid sm so sq ss st sw szl ta tcy te tg the ti tig tk tl tn
to tpi ts tt ug unm ur uz ve wa wae wal wo xh yi yo yue yuw zu`

/**
 * Abbreviated month names of glibc's locales (glibc 2.36, `abmon` and `ab_alt_mon`) that Intl does not have. Each line: a
 * language, then twelve months. `-` means that Intl has the name; `/` separates alternatives.
 */
export const GLIBC = `
es - - - - - - - - sep/set - - -
de jän - - - - - - - - - - -
fr jan fév mar - - jun jui aoû sep - - -
ru - фев - - - - - - сен - ноя -
cs - - - - - čen čec - - - - -
sv - - mar - - jun jul - - - - -
uk - - - кві тра чер - сер - жов лис гру
ro - - - - - - - - sep - - -
el - - μάρ - μάι ιούν ιούλ αύγ - - νοέ -
bg яну фев мар апр - - - авг сеп окт ное дек
sr jan feb mar apr maj jun jul avg sep okt nov dec
lt saus vas kov bal geg birž liep rugp rugs spal lapkr gruod
lv jan feb mar - mai - - - sep - - -
gl - - - - mai xuñ - - - - - -
he ינו פבר - אפר - יונ יול אוג ספט אוק נוב דצמ
ar ينا/جانفي/كانونالثاني فبر/فيفري/شباط مار/آذار أبر/أفريل/نيسان ماي/أيار يون/جوان/حزيران يول/جويلية/تموز/يوليوز أغس/أوت/آب/غشت سبت/أيلول/شتنبر أكت/تشرينالأول نوف/تشرينالثاني/نونبر ديس/كانونالأول/دجنبر
fa - - - - - - - - - اكتبر - -
hi - - - - - - - - - अक्तू॰ - -
aa qun nah cig agd cax qas qad leq way dit xim kax
ab ажь жәаб хәажә мш лаҵ рашә ԥхынгә нанҳә цәыб жьҭ абҵ ԥхынҷ
agr pet kup uya tay keg teg kun yag dait ipam shin sak
ak s-ɔ k-ɔ e-ɔ e-o e-k o-a a-k d-ɔ f-ɛ ɔ-a ɔ-o m-ɔ
am ጃንዩ ፌብሩ - ኤፕረ - - - - - ኦክተ - -
an chi feb mar abr may chn chl ago set oct nov avi
anp जनवरी फरवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर
as - - - - - - - - সেপ্ট - নভে ডিসে
ayc ini phi mar awr may jun jul awu sit ukt nuw ris
az ژانویه فوریه مارس آوریل مئی ژوئن جولای آقۇست سپتامبر اوْکتوْبر نوْوامبر دسامبر
be stu lut sak kra maj čer lip žni vie kas lis śni
ber yan fev mar apr may iyn iyl avq sen okt noy dek
bhb jan feb mar apr may jun jul aug sep oct nov dec
bho - - - - - - - - - - नवम्बर दिसम्बर
bi jan feb maj epr mei jun jul ogs sep okt nov dis
br - chw meu - - - gou eos gwe her - ker
brx - फेब्रुवारी मार्स - - - जुलाइ आगस्थ सेबथेज्ब़र अखथबर नबेज्ब़र दिसेज्ब़र
byn ልደት ካብኽ ክብላ ፋጅኺ ክቢቅ ም/ት ኰር ማርያ ያኸኒ መተሉ ም/ም ተሕሳ
ckb کا٢ شوب ئاز نیس ئای حوز تەم - ئەی تش١ تش٢ کا١
crh yan fev mar apr may iyn iyl avg sen okt noy dek
csb stë gro str łżë maj/môj cze lëp zél séw ruj lës gòd
cv kăr nar puš aka şu şĕr ută şur avă jup cük raš
cy - - - - - - - aws med - - rha
doi - - - एप्रैल - - जूलै - - - - -
dv ޖެނުއަރީ ފެބްރުއަރީ މާރޗް އެޕްރީލް މެއި ޖޫން ޖުލައި އޮގަސްޓް ސެޕްޓެންބަރ އޮކްޓޫބަރ ނޮވެންބަރ ޑިސެންބަރ
fy - - moz - - - - - - - now dez
gez ጠሐረ/ጃንዩ ከተተ/ፌብሩ መገበ/ማርች አኀዘ/ኤፕረ ግንባ/ሜይ ሠንየ/ጁን ሐመለ/ጁላይ ነሐሰ/ኦገስ ከረመ/ሴፕቴ ጠቀመ/ኦክተ ኀደረ/ኖቬም ኀሠሠ/ዲሴም
gv - - - - - - - - - - mhouney mnollick
hif jan feb mar apr may jun jul aug sep oct nov dec
hne जन फर मार्च अप मई जून जुला अग सित अकटू नव दिस
ht jan fev mas avr me jen jiy out sep okt nov des
hy - փտր մար - մայ - - - - - նմբ -
ik sñt sñs pan qil sup iġñ itc tiñ ami sik nip siq
iu ᔮᓄ ᕕᕗ ᒪᔅ ᐃᐳ ᒪᐃ ᔪᓂ ᔪᓚ ᐊᒋ ᓯᑎ ᐊᑦ ᓄᕕ ᑎᓯ
kab - - - - - - - - - - wam duj
kl - feb - - - - - - sep - - -
km ១ ២ ៣ ៤ ៥ ៦ ៧ ៨ ៩ ១០ ១១ ១២
kn - - - - - - - ಆ - - - -
kok - - - एप्रिल - - जुलै ओगस्ट सेप्टेंबर ओक्टोबर - -
ks जनवरी फ़रवरी मार्च अप्रेल میٔ/मई जून जुलाई अगस्त सितम्बर अक्टूबर नवम्बर दिसम्बर
ku çil sib ada nîs gul hez tîr teb îlo - mij kan
li jan fib mie epr mei jun jul aug sep okt nov des
lij zen fev mar arv maz zûg lûg ago set ött nov dix
lzh 一 二 三 四 五 六 七 八 九 十 十一 十二
mag जनवरी फ़रवरी मार्च अप्रेल मई जून जुलाई अगस्त सितम्बर अक्टूबर नवम्बर दिसम्बर
mai बैसाख जेठ अषाढ़ सावोन भादो आसिन कातिक अगहन पूस माघ फागुन चैति
mhr шрк пгж ӱрн вшр ага пдш срм срл идм шыж клм тел
mi kohi hui pou pae hara pipi hōngoi here mahu whi-nu whi-ra haki
miq siakwakati kuswakati kakamukkati lîwainhkakati lihmairinkati lîkati pastarakati siklakati wîskati waupasakati yahbrakati trisukati
mjw ark thang the jang aru vos jak pai chi phe phai mati
mni জান ফেব - - - - জুল - সেপ ওক্ত নবে ডিস
mnw ဂျာန် ဝှေဝ် မာတ် အေ မေ ဂျုန် ဂျူ အဝ် သိပ် အံက် နဝ် ဒဳ
nan 1g 2g 3g 4g 5g 6g 7g 8g 9g 10g 11g 12g
nds jan feb mär/moz apr - jun jul aug sep okt nov/now dez
ne जन - - - - - - - - - - -
nhn ene feb mar abr may jun jul ago sep oct nov dic
niu ian fep mas ape me iun iul aok sep oke nov tes
nr jan feb mat apr mey jun jul arh sep okt usi dis
nso - - - apr - - - - set - - -
oc gen febr març abr mai junh jul ago set oct nov dec
om - - bit - - - - - - - sad -
os - - - - - июн июл - - - - -
pa جنوري فروري مارچ اپريل مٓی جون جولاي اگست ستمبر اكتوبر نومبر دسمبر
pap yan feb mar apr mei yün yül oug sèp okt nov des
quz ini phi - awr - hun hul agu sip ukt nuw tis
raj जन फर - अप्रै - - जुल अग सित अक्टू नव दिस
rif yen feb mar yeb may yun yul ɣuc cut kṭu nuv duj
sa जनवरी फ़रवरी मार्च अप्रेल - जून जुलाई अगस्त सितम्बर अक्टूबर नवम्बर दिसम्बर
sah - - кул муус - - от атыр бал - - -
sat जनवरी फरवरी मार्च अप्रेल मई जुन जुलाई अगस्त सितम्बर अखथबर नवम्बर दिसम्बर
sc - - - - - - arg - - lad onn -
sd जनवरी فبروري/फबरवरी मार्चि अप्रेल مي/मे जूनि जूलाइ आगस्टु سيپٽيمبر/सेप्टेंबरू आक्टूबरू नवंबरू ॾिसंबरू
se - - - cuoŋ - - - - - - - -
sgs sau vas kuo bal geg bėr lëp rgp sie spa lap grd
shn လိူၼ်ၵမ် လိူၼ်သၢမ် လိူၼ်သီႇ လိူၼ်ႁႃႈ လိူၼ်ႁူၵ်း လိူၼ်ၸဵတ်း လိူၼ်ပႅတ်ႇ လိူၼ်ၵဝ်ႈ လိူၼ်သိပ်း လိူၼ်သိပ်းဢဵတ်း လိူၼ်သိပ်းသွင် လိူၼ်ၸဵင်
shs kwe tsi sqe éwt ell tsp tqw ct̓é qel wél u7l tet
si ජන පෙබ මාර් අප්‍රි මැයි ජූනි ජූලි අගෝ සැප් ඔක් නෙවැ දෙසැ
sid jan feb mar apr may jun jul aug sep oct nov dec
sm ian fep mat ape me iun iul aug set oke nov tes
so kob lab sad afr sha lix tod sid sag tob kit lit
sq - - - - - - kor gsh - - - -
ss bhi van vul mab khk nhl kho ngc nyo imp lwe ngo
st - hla tlh - - - - - - - pud -
szl sty lut mar kwi moj czy lip sie wrz paź lis gru
tcy ಜ ಫೆ ಮಾ ಏ ಮೇ ಜೂ ಜು ಆ ಸೆ ಅ ನ ಡಿ
the जनवरी फ़रवरी मार्च अप्रेल मई जून जुलाई अगस्त सितम्बर अक्टूबर नवम्बर दिसम्बर
ti ጃንዩ ለካቲ/ፌብሩ መጋቢ/ማርች ሚያዝ/ኤፕረ ግንቦ/ሜይ ጁን ጁላይ ኦገስ መስከ/ሴፕቴ ጥቅም/ኦክተ ኖቬም ታሕሳ/ዲሴም
tig ጥሪ ለካቲ መጋቢ ሚያዝ ግንቦ ሰነ ሓምለ ነሓሰ መስከ ጥቅም ሕዳር ታሕሳ
tk - - - - - iýn iýl - - - - -
tl - - - - - - - - sep - - -
to - - - - - - - - sep - - -
tpi jan feb mas epr me jun jul oga sep okt nov des
ts sun yan kul dzi mud kho maw mha ndz nhl huk nw
tt ğın fiw mar apr may yün yül awg sin ükt noy dik
unm eni chk xam kwe tai nip lai win tah puk kun mux
uz янв фев мар апр май июн июл авг сен окт ноя дек
ve pha luh fam lam shu lwi lwa ngu khu tsh ḽar nye
wa dja fev mås avr may djn djl awo set oct nôv dec
wal ጃንዩ ፌብሩ ማርች ኤፕረ ሜይ ጁን ጁላይ ኦገስ ሴፕቴ ኦክተ ኖቬም ዲሴም
wo san fee - - me - - uut sep - - -
xh mqu mdu kwi tsh can sil kha thu msi dwa nka mng
yi - - מאַר - מײַ יונ יול אױג - אָקט נאָװ -
yo ṣẹ́rẹ́ èrèlè ẹrẹ̀nà ìgbé ẹ̀bibi òkúdu agẹmọ ògún owewe ọ̀wàrà bélú ọ̀pẹ̀
yuw jen feb mas epr mei jun jul ögu sep ökt nöw dis`
