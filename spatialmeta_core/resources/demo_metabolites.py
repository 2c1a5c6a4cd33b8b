"""Metabolites and lipids for the simulated section, with molecular formulas.

Names and formulas are facts put together by hand; lipids are written as sum compositions. What a
simulated metabolite *does* is drawn by ``spatialmeta_core.simulate``; only the domain in which a
marker is raised comes from here, roughly after what imaging mass spectrometry of mouse brain shows
(galactosylceramides and sulfatides in white matter, polyunsaturated phosphatidylcholines in gray
matter).
"""

from __future__ import annotations

from typing import Final


def _table(text: str) -> dict[str, str]:
    """Read lines of ``name = formula``."""
    pairs = (line.split(" = ") for line in text.strip().splitlines())
    return {name.strip(): formula.strip() for name, formula in pairs}


MARKERS: Final[dict[str, dict[str, str]]] = {
    "Cortex": _table(
        """
        PC(38:6) = C46H80NO8P
        PC(40:6) = C48H84NO8P
        PE(40:6) = C45H78NO8P
        PC(36:4) = C44H80NO8P
        gamma-Aminobutyric acid = C4H9NO2
        L-Glutamic acid = C5H9NO4
        N-Acetyl-L-aspartic acid = C6H9NO5
        Pyroglutamic acid = C5H7NO3
        PI(38:4) = C47H83O13P
        """
    ),
    "White matter": _table(
        """
        HexCer(d42:2) = C48H91NO8
        HexCer(d42:1) = C48H93NO8
        HexCer(d36:1) = C42H81NO8
        SHexCer(d42:2) = C48H91NO11S
        SHexCer(d42:1) = C48H93NO11S
        SM(d42:2) = C47H93N2O6P
        SM(d36:1) = C41H83N2O6P
        PC(36:1) = C44H86NO8P
        PC(36:2) = C44H84NO8P
        PE(36:2) = C41H78NO8P
        PS(36:1) = C42H80NO10P
        Cholesterol = C27H46O
        """
    ),
    "Hippocampus": _table(
        """
        PC(38:4) = C46H84NO8P
        PC(34:0) = C42H84NO8P
        PC(32:0) = C40H80NO8P
        PE(38:4) = C43H78NO8P
        Taurine = C2H7NO3S
        L-2-Aminoadipic acid = C6H11NO4
        Spermidine = C7H19N3
        Cer(d36:1) = C36H71NO3
        PA(36:2) = C39H73O8P
        """
    ),
    "Thalamus, lateral": _table(
        """
        PC(34:2) = C42H80NO8P
        PE(36:4) = C41H74NO8P
        PC(32:1) = C40H78NO8P
        L-Carnitine = C7H15NO3
        O-Acetyl-L-carnitine = C9H17NO4
        O-Palmitoyl-L-carnitine = C23H45NO4
        O-Stearoyl-L-carnitine = C25H49NO4
        L-Aspartic acid = C4H7NO4
        Citric acid = C6H8O7
        """
    ),
    "Thalamus, medial": _table(
        """
        PC(40:4) = C48H88NO8P
        PE(38:6) = C43H74NO8P
        PS(40:6) = C46H78NO10P
        L-Histidine = C6H9N3O2
        Carnosine = C9H14N4O3
        Homocarnosine = C10H16N4O3
        Histamine = C5H9N3
        Dopamine = C8H11NO2
        Ergothioneine = C9H15N3O2S
        """
    ),
}
"""Metabolites raised in one domain; both layers of the cortex share one list."""

GRADIENT: Final = _table(
    """
    L-Lactic acid = C3H6O3
    Adenosine triphosphate = C10H16N5O13P3
    Succinic acid = C4H6O4
    Adenosine monophosphate = C10H14N5O7P
    Phosphocreatine = C4H10N3O5P
    Hypoxanthine = C5H4N4O
    Glutathione disulfide = C20H32N6O12S2
    Glutathione = C10H17N3O6S
    Inosine = C10H12N4O5
    D-Glucose = C6H12O6
    """
)
"""Energy metabolites that follow the planted trajectory."""

COMMON: Final = _table(
    """
    PC(34:1) = C42H82NO8P
    PC(36:3) = C44H82NO8P
    PC(38:5) = C46H82NO8P
    PC(38:2) = C46H88NO8P
    PC(40:5) = C48H86NO8P
    PC(30:0) = C38H76NO8P
    PE(34:1) = C39H76NO8P
    PE(36:1) = C41H80NO8P
    PE(38:5) = C43H76NO8P
    PE(40:4) = C45H82NO8P
    PE(40:5) = C45H80NO8P
    PS(38:4) = C44H78NO10P
    PS(34:1) = C40H76NO10P
    PI(36:4) = C45H79O13P
    PI(40:6) = C49H83O13P
    PA(34:1) = C37H71O8P
    PA(38:4) = C41H73O8P
    PG(34:1) = C40H77O10P
    PG(36:2) = C42H79O10P
    SM(d34:1) = C39H79N2O6P
    SM(d38:1) = C43H87N2O6P
    SM(d40:1) = C45H91N2O6P
    Cer(d34:1) = C34H67NO3
    Cer(d42:2) = C42H81NO3
    HexCer(d40:1) = C46H89NO8
    LPC(16:0) = C24H50NO7P
    LPC(18:0) = C26H54NO7P
    LPC(18:1) = C26H52NO7P
    LPC(20:4) = C28H50NO7P
    LPE(18:0) = C23H48NO7P
    LPE(20:4) = C25H44NO7P
    LPE(22:6) = C27H44NO7P
    DG(34:1) = C37H70O5
    DG(36:2) = C39H72O5
    DG(38:4) = C41H72O5
    TG(50:1) = C53H100O6
    TG(52:2) = C55H102O6
    TG(54:3) = C57H104O6
    Palmitic acid = C16H32O2
    Oleic acid = C18H34O2
    Stearic acid = C18H36O2
    Arachidonic acid = C20H32O2
    Docosahexaenoic acid = C22H32O2
    Sphingosine = C18H37NO2
    Sphinganine = C18H39NO2
    Sphingosine 1-phosphate = C18H38NO5P
    Desmosterol = C27H44O
    alpha-Tocopherol = C29H50O2
    Glycine = C2H5NO2
    L-Alanine = C3H7NO2
    L-Serine = C3H7NO3
    L-Proline = C5H9NO2
    L-Valine = C5H11NO2
    L-Threonine = C4H9NO3
    L-Leucine = C6H13NO2
    L-Asparagine = C4H8N2O3
    L-Glutamine = C5H10N2O3
    L-Lysine = C6H14N2O2
    L-Methionine = C5H11NO2S
    L-Phenylalanine = C9H11NO2
    L-Tyrosine = C9H11NO3
    L-Tryptophan = C11H12N2O2
    L-Arginine = C6H14N4O2
    L-Cysteine = C3H7NO2S
    L-Citrulline = C6H13N3O3
    L-Ornithine = C5H12N2O2
    L-Cystathionine = C7H14N2O4S
    Creatine = C4H9N3O2
    Creatinine = C4H7N3O
    Betaine = C5H11NO2
    Choline phosphate = C5H14NO4P
    Glycerophosphocholine = C8H20NO6P
    O-Phosphoethanolamine = C2H8NO4P
    Hypotaurine = C2H7NO2S
    Putrescine = C4H12N2
    Spermine = C10H26N4
    Serotonin = C10H12N2O
    Noradrenaline = C8H11NO3
    5-Hydroxyindoleacetic acid = C10H9NO3
    Kynurenine = C10H12N2O3
    Nicotinamide = C6H6N2O
    Pantothenic acid = C9H17NO5
    Riboflavin = C17H20N4O6
    Thiamine monophosphate = C12H17N4O4PS
    Ascorbic acid = C6H8O6
    Adenine = C5H5N5
    Adenosine = C10H13N5O4
    Guanine = C5H5N5O
    Guanosine = C10H13N5O5
    Xanthine = C5H4N4O2
    Uric acid = C5H4N4O3
    Uracil = C4H4N2O2
    Uridine = C9H12N2O6
    Cytidine = C9H13N3O5
    Cytosine = C4H5N3O
    Thymidine = C10H14N2O5
    Adenosine diphosphate = C10H15N5O10P2
    Guanosine monophosphate = C10H14N5O8P
    Uridine monophosphate = C9H13N2O9P
    Cytidine monophosphate = C9H14N3O8P
    S-Adenosylhomocysteine = C14H20N6O5S
    5'-Methylthioadenosine = C11H15N5O3S
    Malic acid = C4H6O5
    Fumaric acid = C4H4O4
    2-Oxoglutaric acid = C5H6O5
    Pyruvic acid = C3H4O3
    Phosphoenolpyruvic acid = C3H5O6P
    Glycerol 3-phosphate = C3H9O6P
    D-Glucose 6-phosphate = C6H13O9P
    Fructose 1,6-bisphosphate = C6H14O12P2
    N-Acetylneuraminic acid = C11H19NO9
    N-Acetyl-D-glucosamine = C8H15NO6
    UDP-glucose = C15H24N2O17P2
    UDP-N-acetylglucosamine = C17H27N3O17P2
    N-Acetylaspartylglutamic acid = C11H16N2O8
    O-Butanoylcarnitine = C11H21NO4
    O-Propanoylcarnitine = C10H19NO4
    O-Oleoylcarnitine = C25H47NO4
    Urea = CH4N2O
    """
)
"""Metabolites without a planted domain."""
