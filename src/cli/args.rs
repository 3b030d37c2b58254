//! Arguments as typed on the command line.

pub(crate) mod ledger;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::error::{Error, Lang, Result};
use crate::jobs::{
    InputOptions, MaskOptions, OutOptions, Packing, RasterOptions, RasterType, ReadOptions, parse_bands,
};

/// heshan (河山): mine restoration and Yellow River risk, from files to lists and maps
#[derive(Debug, Parser)]
#[command(
    name = "heshan",
    version,
    about,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub shared: Shared,
    #[command(subcommand)]
    pub verb: Verb,
}

/// Flags that mean the same in every verb.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Shared options")]
pub(crate) struct Shared {
    /// Threads to use [default: all cores]
    #[arg(long, global = true, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1024))]
    pub threads: Option<usize>,
    /// Say nothing but errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Say more (every repaired or skipped feature, timings)
    #[arg(long, short, global = true)]
    pub verbose: bool,
    /// Form of messages on standard error
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// Language of messages, titles and legends [default: from the locale]
    #[arg(long, global = true, value_enum)]
    lang: Option<LangArg>,
    /// Progress bar
    #[arg(long, global = true, value_enum, default_value_t = When::Auto)]
    pub progress: When,
    /// Replace outputs that exist
    #[arg(long, global = true)]
    pub overwrite: bool,
    /// Print a summary for machines (JSON) on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// Refuse the whole run if any feature needs repair or cannot be used
    #[arg(long, global = true, conflicts_with = "allow_skipped")]
    pub strict: bool,
    /// End with 0 even if some features could not be used (they are listed all the same)
    #[arg(long, global = true)]
    pub allow_skipped: bool,
}

impl Shared {
    /// The language asked for, or the locale's.
    pub fn lang(&self) -> Lang {
        match self.lang {
            Some(LangArg::Zh) => Lang::Zh,
            Some(LangArg::En) => Lang::En,
            None => {
                let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
                    .iter()
                    .filter_map(|k| std::env::var(k).ok())
                    .find(|v| !v.is_empty());
                if locale.is_some_and(|l| l.starts_with("zh")) { Lang::Zh } else { Lang::En }
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LangArg {
    /// 中文
    Zh,
    /// English
    En,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MetricArg {
    /// True distance on the ellipsoid
    Geodesic,
    /// Distance in the sites' projected CRS, to compare with other tools
    Planar,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListsArg {
    /// All sites
    All,
    /// Those within the widest distance, wholly or in part
    Corridor,
    /// No workbook
    None,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Report layers, CRS, encoding, counts and every geometry fault of vector files
    Check(CheckArgs),
    /// Screen sites against the corridor of rivers
    Screen(Box<ScreenArgs>),
    /// Detect change between two scenes: a raster, and patches on the map
    Change(Box<ChangeArgs>),
    /// Fire points: find them, take them over, track them, count down to zero
    Fire(Box<super::fire::FireArgs>),
    /// List the scenes below a folder as a STAC catalogue
    Scenes(ScenesArgs),
    /// Make spectral index rasters of scenes
    Index(Box<IndexArgs>),
    /// Keep issues through their life: found, assigned, rectified, verified, closed (台账)
    Ledger(ledger::LedgerArgs),
    /// Judge the restoration of units by their vegetation cover over time
    Restore(Box<super::restore::RestoreArgs>),
    /// Find trends of pixels, zones or a table's series
    Trend(Box<super::trend::TrendArgs>),
    /// Find breaks of pixels, zones or a table's series
    Monitor(Box<super::monitor::MonitorArgs>),
    /// Compute statistics of rasters inside zones
    Zonal(Box<super::zonal::ZonalArgs>),
    /// Make what people look at: pages, bulletins
    Report(super::report::ReportArgs),
    /// Run a project file: its steps in order, those that changed
    Run(RunArgs),
    /// List the runs of a project
    Runs(RunsArgs),
    /// Write the sample project
    Sample(SampleArgs),
    /// Compare two DEMs: volumes, pits and dumps before and after
    Terrain(Box<super::terrain::TerrainArgs>),
    /// Print completions for a shell
    Completions {
        /// Shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write man pages
    Man {
        /// Folder
        dir: PathBuf,
    },
}

/// How files are read where they leave something open.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Reading")]
pub(crate) struct ReadArgs {
    /// CRS of inputs that have none, e.g. EPSG:4490
    #[arg(long, value_name = "CRS")]
    pub crs: Option<String>,
    /// Encoding of attribute text where the file does not say, e.g. GBK
    #[arg(long, value_name = "NAME")]
    pub encoding: Option<String>,
    /// CSV: columns of longitude/easting and latitude/northing
    #[arg(long, value_name = "X,Y", value_delimiter = ',')]
    pub xy_columns: Vec<String>,
    /// CSV: column of WKT
    #[arg(long, value_name = "NAME")]
    pub wkt_column: Option<String>,
}

impl ReadArgs {
    /// For the jobs.
    pub fn options(&self) -> Result<InputOptions> {
        let xy_columns = match self.xy_columns.as_slice() {
            [] => None,
            [x, y] => Some((x.clone(), y.clone())),
            _ => return Err(Error::usage("--xy-columns takes X,Y", "--xy-columns 须为 X列,Y列")),
        };
        let read = ReadOptions { encoding: self.encoding.clone(), xy_columns, wkt_column: self.wkt_column.clone() };
        Ok(InputOptions { crs: self.crs.clone(), read })
    }
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Files, or FILE#layer
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// Write the repaired features of one layer here
    #[arg(long, value_name = "OUT")]
    pub repair: Option<PathBuf>,
    /// Which field means what, e.g. site_id=图斑号 (to find identifiers given twice)
    #[arg(long = "field", value_name = "ROLE=FIELD")]
    pub fields: Vec<String>,
    /// Encoding of attributes in an output shapefile [default: UTF-8]
    #[arg(long, value_name = "NAME")]
    pub out_encoding: Option<String>,
    #[command(flatten)]
    pub read: ReadArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ScreenArgs {
    /// River lines or water polygons, FILE or FILE#layer
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub rivers: Vec<String>,
    /// Site polygons, FILE or FILE#layer
    #[arg(long, required = true, num_args = 1.., value_name = "FILE")]
    pub sites: Vec<String>,
    /// Zones to overlap with (reserves, permits, shoreline control ranges)
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub zones: Vec<String>,
    /// Corridor distances in metres
    #[arg(long, value_delimiter = ',', default_value = "3000", value_name = "M")]
    pub distance: Vec<f64>,
    /// How distances are measured
    #[arg(long, value_enum, default_value_t = MetricArg::Geodesic)]
    pub metric: MetricArg,
    /// The rivers flow to the end nearest this lon,lat [default: as most of the line is digitised]
    #[arg(long, value_name = "LON,LAT", value_delimiter = ',', allow_hyphen_values = true)]
    pub outlet: Vec<f64>,
    /// Gaps between pieces of one named river up to this are bridged for chainage, metres
    #[arg(long, default_value_t = 2000.0, value_name = "M")]
    pub bridge: f64,
    /// Which field means what, e.g. site_id=图斑号 (site_id, name, kind, admin, responsible_unit, supervising_unit,
    /// deadline, class, reversed)
    #[arg(long = "field", value_name = "ROLE=FIELD")]
    pub fields: Vec<String>,
    /// Which kind a word stands for, e.g. 洗煤厂=industrial
    #[arg(long = "kind", value_name = "WORD=KIND")]
    pub kinds: Vec<String>,
    /// Weights of the score's factors, e.g. distance=50,zone=0 (distance, river_class, kind, inside, zone)
    #[arg(long, value_name = "FACTOR=POINTS", value_delimiter = ',')]
    pub score: Vec<String>,
    /// Layers to write [default: all]
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub layers: Vec<String>,
    /// Sites that the Excel workbook beside the output lists
    #[arg(long, value_enum, default_value_t = ListsArg::All)]
    pub lists: ListsArg,
    /// CRS of the output
    #[arg(long, default_value = "EPSG:4490", value_name = "CRS")]
    pub out_crs: String,
    /// Encoding of attributes in an output shapefile [default: UTF-8]
    #[arg(long, value_name = "NAME")]
    pub out_encoding: Option<String>,
    /// Output: .gpkg or .gdb (all layers), .fgb .shp .geojson .kml .csv (one file a layer)
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    #[command(flatten)]
    pub read: ReadArgs,
}

/// How scenes are read and masked.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Scenes")]
pub(crate) struct SceneArgs {
    /// Bands of a plain raster, e.g. green=1,red=2,nir=3,swir1=4 (blue green red nir swir1 swir2 tir qa)
    #[arg(long, value_delimiter = ',', value_name = "ROLE=BAND")]
    pub bands: Vec<String>,
    /// Keep clouds, shadows and snow
    #[arg(long)]
    pub no_cloud_mask: bool,
    /// Mask so many pixels around clouds and shadows too
    #[arg(long, default_value_t = 0, value_name = "PX", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(0..=500))]
    pub dilate: usize,
    /// Keep saturated pixels
    #[arg(long)]
    pub keep_saturated: bool,
}

impl SceneArgs {
    /// What is masked.
    pub fn mask(&self) -> MaskOptions {
        MaskOptions { clouds: !self.no_cloud_mask, dilate: self.dilate, saturated: !self.keep_saturated }
    }
}

/// How rasters are written.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Raster output")]
pub(crate) struct RasterArgs {
    /// Pixels: float32, or int16 as value × 10,000
    #[arg(long = "type", value_enum, default_value_t = TypeArg::Float32)]
    pub ty: TypeArg,
    /// Compression of tiles
    #[arg(long, value_enum, default_value_t = PackingArg::Deflate)]
    pub compress: PackingArg,
    /// Write no overviews
    #[arg(long)]
    pub no_overviews: bool,
    /// Write no picture (PNG)
    #[arg(long)]
    pub no_quicklook: bool,
}

impl PackingArg {
    /// For the jobs.
    pub fn packing(self) -> Packing {
        match self {
            Self::Deflate => Packing::Deflate,
            Self::Zstd => Packing::Zstd,
        }
    }
}

impl RasterArgs {
    /// What raster jobs share, from the arguments that their verbs share.
    pub fn shared(&self, scene: &SceneArgs, shared: &Shared, lang: Lang) -> Result<RasterOptions> {
        Ok(RasterOptions {
            bands: parse_bands(&scene.bands)?,
            mask: scene.mask(),
            out: self.options(),
            quicklook: !self.no_quicklook,
            overwrite: shared.overwrite,
            lang,
            time: super::run_time()?,
        })
    }

    /// How rasters are written.
    pub fn options(&self) -> OutOptions {
        OutOptions {
            ty: match self.ty {
                TypeArg::Float32 => RasterType::Float32,
                TypeArg::Int16 => RasterType::Int16,
            },
            overviews: !self.no_overviews,
            packing: self.compress.packing(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TypeArg {
    Float32,
    Int16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PackingArg {
    Deflate,
    Zstd,
}

#[derive(Debug, Args)]
pub(crate) struct IndexArgs {
    /// Scenes: a Landsat folder or MTL file, a Sentinel-2 folder (.SAFE), or a raster with --bands
    #[arg(required = true, value_name = "SCENE")]
    pub scenes: Vec<PathBuf>,
    /// Indices: ndvi evi savi msavi bsi ndwi mndwi nbr nbr2 ndmi ndbi fvc rsei
    #[arg(long, value_delimiter = ',', default_value = "ndvi", value_name = "NAME")]
    pub index: Vec<String>,
    /// NDVI of bare soil for fvc [default: the lower percentile of the scene]
    #[arg(long, value_name = "NDVI", allow_hyphen_values = true)]
    pub fvc_soil: Option<f64>,
    /// NDVI of full cover for fvc [default: the upper percentile of the scene]
    #[arg(long, value_name = "NDVI", allow_hyphen_values = true)]
    pub fvc_vegetation: Option<f64>,
    /// Percentiles of NDVI for fvc
    #[arg(long, value_delimiter = ',', default_value = "5,95", value_name = "LOW,HIGH")]
    pub fvc_percentiles: Vec<f64>,
    /// Weights of wetness for rsei: blue,green,red,nir,swir1,swir2 [default: those published for the platform]
    #[arg(long, value_delimiter = ',', value_name = "W", allow_hyphen_values = true)]
    pub wetness: Vec<f32>,
    /// Keep water in rsei (MNDWI above 0 is left out otherwise)
    #[arg(long)]
    pub rsei_keep_water: bool,
    /// Output: a GeoTIFF for one scene, a folder for several
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
    #[command(flatten)]
    pub scene: SceneArgs,
    #[command(flatten)]
    pub raster: RasterArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MethodArg {
    /// Difference of an index
    Difference,
    /// Length of the change vector
    Cva,
    /// Iteratively re-weighted multivariate alteration detection
    Irmad,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum NormaliseArg {
    None,
    /// Lines through unchanged pixels
    Pif,
    /// Equal histograms of the index
    Histogram,
}

#[derive(Debug, Args)]
pub(crate) struct ChangeArgs {
    /// The earlier scene
    pub before: PathBuf,
    /// The later scene
    pub after: PathBuf,
    /// How change is measured
    #[arg(long, value_enum, default_value_t = MethodArg::Difference)]
    pub method: MethodArg,
    /// Index of the difference
    #[arg(long, default_value = "ndvi", value_name = "NAME")]
    pub index: String,
    /// LOW,HIGH | sigma:K | otsu; for irmad the probability of no change, e.g. 0.0001 [default: -0.15,0.15; cva: otsu;
    /// irmad: 0.0001]
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    pub threshold: Option<String>,
    /// Bring the later scene to the radiometry of the earlier
    #[arg(long, value_enum, default_value_t = NormaliseArg::None)]
    pub normalise: NormaliseArg,
    /// A class of ground, NAME=INDEX>LIMIT or NAME=INDEX<LIMIT, conditions joined by &, e.g. "bare=ndvi<0.2&mndwi<0"; the
    /// first that fits counts. With classes, a raster of from–to classes and patches of them are made too
    #[arg(long = "class", value_name = "RULE")]
    pub classes: Vec<String>,
    /// Iterations of irmad at most; 1 is MAD
    #[arg(long, default_value_t = 30, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1000))]
    pub iterations: usize,
    /// Raster of change
    #[arg(long, short, value_name = "OUT")]
    pub output: Option<PathBuf>,
    /// Patches (.gpkg .fgb .shp .gdb), in the folder of the raster
    #[arg(long, value_name = "OUT")]
    pub patches: Option<PathBuf>,
    /// Only count, write nothing: to try thresholds
    #[arg(long)]
    pub count_only: bool,
    /// Smallest patch, square metres
    #[arg(long, default_value_t = 0.0, value_name = "M2")]
    pub min_area: f64,
    /// Neighbours of a pixel
    #[arg(long, default_value = "8", value_parser = ["4", "8"])]
    pub connectivity: String,
    /// Permits (矿权) that patches are matched with, FILE or FILE#layer
    #[arg(long, num_args = 1.., value_name = "FILE")]
    pub permits: Vec<String>,
    #[command(flatten)]
    pub scene: SceneArgs,
    #[command(flatten)]
    pub raster: RasterArgs,
    #[command(flatten)]
    pub read: ReadArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ScenesArgs {
    /// Folder to look in
    pub dir: PathBuf,
    /// Bands of plain rasters, e.g. red=1,nir=2; rasters without bands told are left out
    #[arg(long, value_delimiter = ',', value_name = "ROLE=BAND")]
    pub bands: Vec<String>,
    /// Catalogue (STAC ItemCollection, JSON)
    #[arg(long, short, value_name = "OUT")]
    pub output: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct SampleArgs {
    /// Folder to write to
    pub dir: PathBuf,
    /// Seed of the made-up sites
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Project file (TOML)
    #[arg(required_unless_present = "schema", value_name = "PROJECT")]
    pub project: Option<PathBuf>,
    /// Check everything and run nothing
    #[arg(long, conflicts_with = "dry_run")]
    pub check: bool,
    /// Print the plan: which steps would run, and why
    #[arg(long)]
    pub dry_run: bool,
    /// Print the JSON schema of project files
    #[arg(long)]
    pub schema: bool,
    /// A variable of the project takes this value
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Steps side by side
    #[arg(long, short, default_value_t = 1, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=64))]
    pub jobs: usize,
    /// After a failure, go on with steps that do not need what failed
    #[arg(long)]
    pub keep_going: bool,
    /// Run steps that are up to date too
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// Project file (TOML)
    #[arg(value_name = "PROJECT")]
    pub project: PathBuf,
}
