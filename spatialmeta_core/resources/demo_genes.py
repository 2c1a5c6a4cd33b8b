"""Mouse gene symbols for the simulated section, by where in the brain they are known to be high.

The lists are facts of the field put together by hand for the demonstration: well-known layer,
region and cell-type markers, then genes expressed everywhere. What a simulated gene *does* is
drawn by ``spatialmeta_core.simulate``; only the domain in which a marker is raised comes from
here.
"""

from __future__ import annotations

from typing import Final


def _symbols(text: str) -> tuple[str, ...]:
    return tuple(text.split())


MARKERS: Final[dict[str, tuple[str, ...]]] = {
    "Upper cortex": _symbols(
        """
        Cux2 Rasgrf2 Lamp5 Calb1 Otof Rorb Cux1 Stard8 Satb2 Lmo4 Nectin3 Pou3f2 Pou3f3 Mef2c Kcnh5
        Ccn3 Igfbp6 Rspo1 Whrn Endou Dkkl1 Plcxd2 Tnnc1 Hpcal4 Igsf21 Cdh13 Stac2 Kcnip2 Mpped1
        Ttc9b
"""
    ),
    "Deep cortex": _symbols(
        """
        Fezf2 Bcl11b Etv1 Tle4 Syt6 Foxp2 Crym Hs3st4 Pcp4 Ccn2 Nxph4 Rprm Sulf1 Tshz2 Nr4a2 Sla
        Cplx3 Tbr1 Lmo3 Vat1l Parm1 Deptor Coch Galnt14 Qrfpr Nxph3 Scn4b Rapgef5 Ctxn1 Trib2
"""
    ),
    "White matter": _symbols(
        """
        Mbp Plp1 Mobp Mog Mag Cnp Cldn11 Opalin Mal Ermn Ugt8a Aspa Gjc2 Gjc3 Enpp2 Trf Qdpr Apod
        Cryab Fa2h Tspan2 Olig1 Olig2 Sox10 Nkx6-2 Myrf Bcas1 Hapln2 Pllp Gsn Car2 Gpr37 Ppp1r14a
        Tmem88b Efnb3 Gjb1 Plekhb1 Cmtm5 Lpar1 Anln
"""
    ),
    "Hippocampus": _symbols(
        """
        Prox1 C1ql2 Fibcd1 Spink8 Neurod6 Hpca Lefty1 Dsp Cabp7 Crlf1 Bok Rgs14 Bhlhe22 Zbtb20 Epha7
        Itpka Nrp2 Homer3 Pou3f1 Stxbp6 Wfs1 Nptx1 Neurod1 Iqgap2 Gprin3 Tanc1 Slc29a4 Cnih2 Tspan18
        Ociad2
"""
    ),
    "Thalamus": _symbols(
        """
        Tcf7l2 Prkcd Rora Calb2 Tnnt1 Amotl1 Plekhg1 Slc17a6 Ramp3 Rgs16 Lef1 Zfhx3 Ntng1 Synpo2
        Plcb4 Adarb1 Zic1 Prkch Ptpn3 Kitl Cbln4 Gbx2 Shox2 Inf2 Vamp1 Slitrk6 Cacna1g Grm4 Zic4
        Lhx9
"""
    ),
}
"""Genes raised in one domain; both halves of the thalamus share one list."""

GRADIENT: Final = _symbols(
    "Vegfa Slc2a1 Pgk1 Ldha Adm Bnip3 Ndrg1 Egln3 Pdk1 Ankrd37 Hmox1 Atf3 Fos Hspa1a"
)
"""Genes that answer to low oxygen or stress; they follow the planted trajectory."""

MITOCHONDRIAL: Final = _symbols(
    """
    mt-Co1 mt-Co2 mt-Co3 mt-Cytb mt-Atp6 mt-Nd1 mt-Nd2 mt-Nd3 mt-Nd4 mt-Nd4l mt-Nd5
"""
)
"""Protein-coding genes of the mitochondrion, very high everywhere."""

RIBOSOMAL: Final = _symbols(
    """
    Rpl3 Rpl4 Rpl5 Rpl6 Rpl7 Rpl7a Rpl8 Rpl9 Rpl10 Rpl10a Rpl11 Rpl12 Rpl13 Rpl13a Rpl14 Rpl15
    Rpl17 Rpl18 Rpl18a Rpl19 Rpl21 Rpl22 Rpl23 Rpl23a Rpl24 Rpl26 Rpl27 Rpl27a Rpl28 Rpl29 Rpl30
    Rpl31 Rpl32 Rpl34 Rpl35 Rpl35a Rpl36 Rpl36a Rpl37 Rpl37a Rpl38 Rpl39 Rpl41 Rplp0 Rplp1 Rplp2
    Rpsa Rps2 Rps3 Rps3a1 Rps4x Rps5 Rps6 Rps7 Rps8 Rps9 Rps10 Rps11 Rps12 Rps13 Rps14 Rps15 Rps15a
    Rps16 Rps17 Rps18 Rps19 Rps20 Rps21 Rps23 Rps24 Rps25 Rps26 Rps27 Rps27a Rps28 Rps29 Fau Uba52
"""
)
"""Ribosomal proteins, high everywhere."""

HOUSEKEEPING: Final = _symbols(
    """
    Actb Actg1 Gapdh Tuba1a Tuba1b Tubb2a Tubb3 Tubb4a Tubb5 Eef1a1 Eef1a2 Eef1b2 Eef1g Eef2 Eif1
    Eif4a1 Eif4a2 Eif4g2 Eif5a Pabpc1 Hprt Tbp Ppia Ppib B2m Ubb Ubc Uba1 Ube2d3 Ube2b Ywhaz Ywhae
    Ywhab Ywhag Ywhah Ywhaq Aldoa Aldoc Eno1 Eno2 Pkm Pgam1 Tpi1 Gpi1 Ldhb Mdh1 Mdh2 Got1 Got2 Idh2
    Idh3a Aco2 Cs Sdha Sdhb Fh1 Pdha1 Pdhb Dlst Atp5a1 Atp5b Atp5c1 Cox4i1 Cox5a Cox5b Cox6a1 Cox6c
    Cox7a2 Cox7c Cox8a Cycs Cyc1 Ndufa1 Ndufa4 Ndufb8 Ndufs1 Ndufs2 Ndufv1 Uqcrb Uqcrc1 Uqcrc2
    Uqcrh Uqcrq Slc25a3 Slc25a4 Slc25a5 Vdac1 Vdac2 Vdac3 Hsp90aa1 Hsp90ab1 Hspa8 Hspa5 Hspa4 Hspa9
    Hspd1 Hspe1 Dnaja1 Dnajb1 Calm1 Calm2 Calm3 Cltc Clta Ap2m1 Arf1 Arf3 Rab1a Rab2a Rab5a Rab7
    Rab10 Rab14 Rhoa Rac1 Cdc42 Cfl1 Pfn1 Pfn2 Tmsb4x Tmsb10 Dstn Arpc2 Arpc3 Capzb Kif5a Kif5b
    Kif5c Kif1a Kif1b Dync1h1 Dynll1 Dynll2 Map1b Map1a Map2 Map4 Mapt Stmn1 Stmn2 Stmn3 Nefl Nefm
    Nefh Ina Gap43 Basp1 Marcks Marcksl1 Fth1 Ftl1 Sod1 Sod2 Cat Prdx1 Prdx2 Prdx5 Prdx6 Gpx1 Gpx4
    Txn1 Park7 Gstm1 Gstp1 Glul Psap Ctsb Ctsd Lamp1 Lamp2 Cst3 Itm2b Itm2c App Aplp1 Aplp2 Apoe
    Clu Ckb Ckmt1 Nme1 Nme2 Ppp1ca Ppp1cb Ppp2ca Ppp2r1a Ppp3ca Ppp3r1 Prkaca Prkar1a Akt1 Mtor
    Gsk3b Csnk1a1 Csnk2a1 Mapk1 Mapk3 Map2k1 Raf1 Hras Kras Gnas Gnao1 Gnaq Gnb1 Gnb2 Hnrnpa1
    Hnrnpa2b1 Hnrnpk Hnrnpu Srsf2 Srsf3 Srsf5 Snrpd1 Sf3b1 Ddx5 Ddx3x Ncl Npm1 Set Nap1l1 H3f3a
    H3f3b Hmgb1 Ptma Sumo1 Sumo2 Skp1 Psma1 Psmb1 Psmc1 Psmd1 Canx Calr P4hb Pdia3 Sec61b Ssr1 Bsg
    Cd63 Cd81 Tmbim6 Serinc1 Laptm4a Oaz1 Tpt1 Naca Btf3 Eif3c
"""
)
"""Expressed by nearly every cell of the brain."""

NEURONAL: Final = _symbols(
    """
    Snap25 Syt1 Syt4 Syt11 Syp Syn1 Syn2 Sv2a Vamp2 Stx1a Stx1b Stxbp1 Nsf Napa Napb Cplx1 Cplx2
    Rims1 Bsn Pclo Dlg4 Dlg2 Shank1 Shank3 Homer1 Camk2a Camk2b Camk2n1 Camkv Nrgn Ncdn Gria1 Gria2
    Gria3 Grin1 Grin2a Grin2b Grm5 Gabra1 Gabrb2 Gabrb3 Gabrg2 Gabbr1 Gad1 Gad2 Slc32a1 Slc17a7
    Slc6a1 Slc1a2 Slc1a3 Atp1a1 Atp1a2 Atp1a3 Atp1b1 Atp2a2 Atp2b1 Atp2b2 Scn1a Scn1b Scn2a Scn8a
    Kcna1 Kcna2 Kcnb1 Kcnc1 Kcnd2 Kcnma1 Kcnq2 Cacna1a Cacna1b Cacnb4 Hcn1 Rtn1 Rtn3 Rtn4 Nrxn1
    Nrxn3 Nlgn1 Nlgn2 Nlgn3 Ncam1 L1cam Cntn1 Cntnap1 Thy1 Uchl1 Gpm6a Gpm6b Chn1 Olfm1 Cck Sst Vip
    Npy Pvalb Penk Pdyn Tac1 Cnr1 Htr2c Drd1 Drd2 Adora1 Chrm1 Chgb Scg2 Scg3 Scg5 Vgf Nsg1 Nsg2
    Elavl2 Elavl3 Elavl4 Celf4 Rbfox1 Rbfox3 Meg3 Snhg11 Egr1 Arc Junb Nr4a1 Dusp1 Bdnf Ntrk2 Reln
    Lingo1 Ndfip1 Mllt11 Rab3a Rab3c Nptn Necab1 Prkcb Prkcg Dclk1 Ptprn Sez6 Slc24a2 Slc12a5
    Ppp1r1b Pde1a Pde10a Rasgrp1 Nell2 Cartpt Baiap2
"""
)
"""Neurons."""

GLIAL: Final = _symbols(
    """
    Gfap Aqp4 Aldh1l1 S100b Sparcl1 Sparc Slc7a11 Gja1 Cldn10 Fgfr3 Gpr37l1 Htra1 Mt1 Mt2 Mt3 Ntsr2
    Plpp3 Ttyh1 Cspg5 Pdgfra Cspg4 Vcan Ptprz1 Tnr Cx3cr1 P2ry12 Tmem119 Csf1r C1qa C1qb C1qc Hexb
    Aif1 Tyrobp Trem2 Cd68 Cldn5 Flt1 Pecam1 Itm2a Ly6c1 Vwf Pltp Rgs5 Vtn Acta2 Tagln Myl9 Dcn
    Col1a1 Col1a2 Col3a1 Col4a1 Igfbp2 Igfbp4 Igfbp7 Ttr Kl Folr1 Foxj1 Ccdc153 Tmem212 Vim Id3 Id2
    Sox2 Sox9 Hes5 Notch1 Fabp7 Ptgds Slc6a11 Agt Mertk Hopx Lcat
"""
)
"""Glia, vessels, ventricle lining."""

COMMON: Final = MITOCHONDRIAL + RIBOSOMAL + HOUSEKEEPING + NEURONAL + GLIAL
"""Genes without a planted domain."""
