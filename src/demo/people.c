/* Who lies in the scanner and what is scanned.  Every name is invented; ways of writing names are not. */
#include "config.h"

#include "demo_int.h"

#include <string.h>

/*
 * PID-5 repetitions: alphabetic, ideographic (I), phonetic (P), as HL7 v2.5.1 table 4000 has them.
 * Names that differ in length, script, marks and form, because the table's columns must bear them all.
 */
const struct patient demo_patients[] = {
    {"OKAFOR^MARY^ADAEZE", 'F', 1962},
    {"NAKAMURA^JUN^^^^^L^A~\xe4\xb8\xad\xe6\x9d\x91^\xe6\xb7\xb3^^^^^L^I~"
     "\xe3\x81\xaa\xe3\x81\x8b\xe3\x82\x80\xe3\x82\x89^"
     "\xe3\x81\x98\xe3\x82\x85\xe3\x82\x93^^^^^L^P",
        'M', 1955},
    {"RUIZ^ANA SOF\xc3\x8d"
     "A",
        'F', 1993},
    {"LINDQVIST^OLA", 'M', 1968},
    {"BIANCHI^LUCIA", 'F', 1979},
    {"SATO^KEN^^^^^L^A~\xe4\xbd\x90\xe8\x97\xa4^\xe5\x81\xa5^^^^^L^I", 'M', 1960},
    {"HOLM^ERIK", 'M', 1997},
    {"B\xc3\x89LANGER^ZO\xc3\x8b", 'F', 2001},
    {"M\xc3\x9cLLER^J\xc3\x9cRGEN", 'M', 1949},
    {"TRAUMA^ZULU 47", 'U', 1990},
    {"O'NEILL^SIOBH\xc3\x81N", 'F', 1971},
    {"VAN DER WESTHUIZEN-MONTGOMERY^CHRISTOFFEL JOHANNES^PHILIPPUS", 'M', 1944},
    {"IYER^LAKSHMI", 'F', 1958},
    {"KULKARNI^ANIRUDDHA", 'M', 1983},
    {"DESHPANDE^MEERA", 'F', 1990},
    {"JOSHI^VINAYAK", 'M', 1946},
    {"WILSON^TARA", 'F', 1988},
    {"MCKENZIE^BRUCE", 'M', 1952},
    {"NGUYEN^THI HONG", 'F', 1966},
    {"PAPADOPOULOS^ELENI", 'F', 1937},
    {"HASSAN^OMAR", 'M', 1974},
    {"SCHMIT^JEAN-CLAUDE", 'M', 1963},
    {"GRUBER^ANNELIESE", 'F', 1941},
    {"WAGNER^KLAUS", 'M', 1956},
    {"BABY BOY^DELACROIX", 'M', 2026},
    {"JOHNSON^DWAYNE", 'M', 1986},
    {"JOHNSTON^DWAYNE", 'M', 1968},
    {"GARCIA^MAR\xc3\x8d"
     "A DEL CARMEN",
        'F', 1950},
    {"KIM^MIN-JUN^^^^^L^A~\xea\xb9\x80^\xeb\xaf\xbc\xec\xa4\x80^^^^^L^I", 'M', 2009},
    {"SMITH^PATRICIA", 'F', 1947},
    {"BROWN^CALVIN", 'M', 1959},
    {"DAVIS^LATOYA", 'F', 1981},
    {"ANDERSEN^KIRSTEN", 'F', 1954},
    {"YAZZIE^LEONARD", 'M', 1965},
    {"BEGAY^ROSE", 'F', 1948},
    {"PETERSON^CARL", 'M', 1940},
    {"THOR^PAO", 'M', 1995},
    {"FERNANDES^JOAO", 'M', 1977},
    {"SILVA^BEATRIZ", 'F', 2003},
    {"WOJCIK^KATARZYNA", 'F', 1987},
    {"D'SOUZA^NEVILLE", 'M', 1970},
    {"PATIL^SUNITA", 'F', 1964},
    {"SHAH^RAKESH", 'M', 1951},
    {"GALLAGHER^AOIFE", 'F', 1999},
    {"MURPHY^DECLAN", 'M', 1943},
    {"TAYLOR^MAEVE", 'F', 1975},
    {"ROBINSON^JARRAH", 'M', 1982},
    {"EDWARDS^NORMA", 'F', 1936},
    {"HARRIS^TYRONE", 'M', 1992},
    {"CLARKE^DEBORAH", 'F', 1961},
    {"ORTEGA^LUIS", 'M', 1957},
    {"RIVERA^XIMENA", 'F', 2014},
    {"HOFFMANN^GRETA", 'F', 1945},
    {"THILL^MARC", 'M', 1973},
    {"LEHNER^FRANZ", 'M', 1938},
    {"QUINN^PADRAIG", 'M', 1985},
    {"LEE^GRACE", 'F', 1967},
    {"MOORE^JEROME", 'M', 1978},
    {"YOUNG^ETHEL", 'F', 1931},
    {"ALVAREZ^TOMAS", 'M', 1996},
};
const unsigned demo_npatients = sizeof(demo_patients) / sizeof(*demo_patients);

const struct exam demo_exams[] = {
    {"CT", "CTHDSTR", "CT HEAD W/O (STROKE)", "HEAD", 412, 7, 0, "sudden left weakness, on apixaban"},
    {"CT", "CTANKSTR", "CTA HEAD AND NECK (STROKE)", "HEAD", 1480, 14, 0,
        "aphasia since 40 minutes, NIHSS 14"},
    {"CT", "CTTRAUMA", "CT PAN-SCAN (TRAUMA)", "WHOLEBODY", 2860, 30, 0,
        "rollover at 90 km/h, GCS 9, intubated"},
    {"XR", "XRCSTRM", "XR C-SPINE 3V (TRAUMA)", "CSPINE", 3, 3, 0, "fall from ladder, midline tenderness"},
    {"CT", "CTHDWO", "CT HEAD W/O", "HEAD", 310, 7, 16, "fall, on warfarin, headache"},
    {"CT", "CTABPW", "CT ABD/PELVIS W CON", "ABDOMEN", 604, 14, 15, "right lower quadrant pain, fever"},
    {"CT", "CTCHPE", "CT CHEST PE PROTOCOL", "CHEST", 388, 12, 9, "pleuritic pain, D-dimer 1840"},
    {"CT", "CTCHW", "CT CHEST W CON", "CHEST", 210, 12, 4, "cough, 6 kg weight loss"},
    {"CT", "CTCSP", "CT C-SPINE W/O", "CSPINE", 256, 9, 5, "motor vehicle collision, neck pain"},
    {"CT", "CTKUB", "CT RENAL STONE", "ABDOMEN", 190, 10, 6, "flank pain, haematuria"},
    {"CT", "CTAOR", "CTA AORTA", "CHEST", 940, 16, 2, "tearing back pain, pulse difference"},
    {"CT", "CTFACE", "CT FACIAL BONES", "FACE", 330, 10, 2, "assault, orbital swelling"},
    {"XR", "XRCH1", "XR CHEST 1V PORTABLE", "CHEST", 1, 2, 9, "line placement"},
    {"XR", "XRCH2", "XR CHEST 2V", "CHEST", 2, 2, 6, "cough and fever"},
    {"XR", "XRKNEE", "XR KNEE RT 3V", "KNEE", 3, 2, 3, "twisted knee playing football"},
    {"XR", "XRHIP", "XR HIP LT 2V", "HIP", 2, 2, 4, "fall at home, cannot bear weight"},
    {"XR", "XRABD", "XR ABDOMEN 2V", "ABDOMEN", 2, 2, 3, "distension, vomiting"},
    {"US", "USDVT", "US DVT LOWER EXT LT", "LEG", 44, 8, 5, "calf swelling after long flight"},
    {"US", "USGB", "US GALLBLADDER", "ABDOMEN", 38, 8, 3, "right upper quadrant pain after meals"},
    {"US", "USTEST", "US SCROTUM W DOPPLER", "PELVIS", 52, 8, 1, "acute testicular pain, 15 years"},
    {"US", "USPELV", "US PELVIS, EARLY PREGNANCY", "PELVIS", 61, 9, 2, "8 weeks pregnant, bleeding"},
    {"MR", "MRBRAIN", "MR BRAIN W/WO", "HEAD", 620, 16, 2, "first seizure"},
    {"MR", "MRCES", "MR L-SPINE (CAUDA EQUINA)", "LSPINE", 340, 14, 1,
        "saddle anaesthesia, urinary retention"},
    {"MG", "MGSCR", "MG SCREENING BILAT", "BREAST", 4, 4, 0, "screening round 4"},
    {"NM", "NMVQ", "NM V/Q LUNG", "CHEST", 48, 12, 1, "pulmonary embolism? contrast allergy"},
};
const unsigned demo_nexams = sizeof(demo_exams) / sizeof(*demo_exams);

const struct exam *exam_find(const char *code)
{
	for (unsigned i = 0; i < demo_nexams; i++)
		if (strcmp(demo_exams[i].code, code) == 0)
			return &demo_exams[i];
	return NULL;
}

const char *const demo_doctors[] = {
    "D1041^HART^EVELYN^^^DR",
    "D1187^OSEI^KWAME^^^DR",
    "D2210^NOVAK^PETRA^^^DR",
    "D2304^RAO^SUDHA^^^DR",
    "D3120^BYRNE^CONOR^^^DR",
    "D3391^FISCHER^ILSE^^^DR",
    "D4415^TRAN^DAVID^^^DR",
};
const unsigned demo_ndoctors = sizeof(demo_doctors) / sizeof(*demo_doctors);

uint64_t chance_next(struct chance *c)
{
	uint64_t z = c->state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

unsigned chance_below(struct chance *c, unsigned n)
{
	return n ? (unsigned)(chance_next(c) % n) : 0;
}

double chance_real(struct chance *c)
{
	return (double)(chance_next(c) >> 11) / 9007199254740992.0;
}
