//! Reading and writing rasters: layouts that other programs wrote, damaged files, and whether GDAL accepts ours.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::needless_range_loop,
    reason = "a test stops at the first fault and says why"
)]
#![allow(missing_docs, reason = "a test crate")]

mod common;

use std::path::{Path, PathBuf};

use heshan::model::{BlockSource, Pixels, Window};
use heshan::read::raster::{GdalRaster, GeoTiff, open};
use serde_json::Value as Json;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/raster").join(name)
}

fn numbers(p: &Pixels) -> Vec<f64> {
    match p {
        Pixels::U8(v) => v.iter().map(|x| f64::from(*x)).collect(),
        Pixels::I8(v) => v.iter().map(|x| f64::from(*x)).collect(),
        Pixels::U16(v) => v.iter().map(|x| f64::from(*x)).collect(),
        Pixels::I16(v) => v.iter().map(|x| f64::from(*x)).collect(),
        Pixels::U32(v) => v.iter().map(|x| f64::from(*x)).collect(),
        Pixels::I32(v) => v.iter().map(|x| f64::from(*x)).collect(),
        Pixels::U64(v) => v.iter().map(|x| *x as f64).collect(),
        Pixels::I64(v) => v.iter().map(|x| *x as f64).collect(),
        Pixels::F32(v) => v.iter().map(|x| f64::from(*x)).collect(),
        Pixels::F64(v) => v.clone(),
    }
}

#[test]
fn every_layout_gives_the_numbers_that_were_written() {
    let sums: Json = serde_json::from_str(&std::fs::read_to_string(fixture("layouts/sums.json")).unwrap()).unwrap();
    let mut by_gdal = Vec::new();
    for (name, truth) in sums.as_object().unwrap() {
        let path = fixture(&format!("layouts/{name}.tif"));
        if GeoTiff::open(&path).unwrap().is_none() {
            by_gdal.push(name.as_str());
        }
        let r = open(&path).unwrap();
        let info = r.info();
        assert_eq!((info.grid.width, info.grid.height, info.bands.len()), (70, 45, 3), "{name}");
        assert_eq!(info.grid.transform, [600_000.0, 10.0, 0.0, 4_400_040.0, 0.0, -10.0], "{name}");
        assert_eq!(info.bands[0].ty.name(), truth["dtype"].as_str().unwrap(), "{name}");
        let whole = r.read(&[0, 1, 2], info.grid.window()).unwrap();
        for (b, p) in whole.iter().enumerate() {
            let v = numbers(p);
            let sum: f64 = v.iter().sum();
            let expected = truth["sums"][b].as_f64().unwrap();
            // sums of floats depend on their order in the last digits
            assert!((sum - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{name} band {b}: {sum} {expected}");
            assert_eq!(v.last().copied(), truth["corner"][b].as_f64(), "{name}");
        }
        // any window of any bands is a cut of the whole
        let w = Window { col: 13, row: 9, width: 41, height: 30 };
        let cut = r.read(&[2, 0], w).unwrap();
        for (b, p) in [2, 0].iter().zip(&cut) {
            let (all, part) = (numbers(&whole[*b]), numbers(p));
            let expected: Vec<f64> =
                (0..w.len()).map(|i| all[(w.row + i / w.width) * 70 + w.col + i % w.width]).collect();
            assert_eq!(part, expected, "{name} band {b}");
        }
    }
    assert_eq!(by_gdal, ["packbits"], "kinds left to GDAL");
}

#[test]
fn own_reader_and_gdal_agree() {
    for name in ["before.tif", "after.tif", "layouts/big_endian_f32.tif", "layouts/f32_lzw_band_tile.tif"] {
        let path = fixture(name);
        let (own, gdal) = (GeoTiff::open(&path).unwrap().unwrap(), GdalRaster::open(&path).unwrap());
        let bands: Vec<usize> = (0..own.info().bands.len()).collect();
        let w = own.info().grid.window();
        assert_eq!(own.read(&bands, w).unwrap(), gdal.read(&bands, w).unwrap(), "{name}");
        assert_eq!(own.info().bands[0].nodata, gdal.info().bands[0].nodata, "{name}");
        assert_eq!(own.info().grid.transform, gdal.info().grid.transform);
        let code = |r: &dyn BlockSource| r.info().grid.crs.as_ref().and_then(|c| c.code.clone());
        assert_eq!((code(&own).as_deref(), code(&gdal).as_deref()), (Some("EPSG:32648"), Some("EPSG:32648")));
    }
}

/// A whole TIFF by the crate `tiff`: bands as doubles, or why it could not.
fn by_the_crate_tiff(path: &Path) -> Result<Vec<Vec<f64>>, tiff::TiffError> {
    use tiff::decoder::DecodingResult as R;
    let file = std::io::BufReader::new(std::fs::File::open(path)?);
    let mut d = tiff::decoder::Decoder::new(file)?.with_limits(tiff::decoder::Limits::unlimited());
    let (w, h) = d.dimensions()?;
    let (w, h) = (w as usize, h as usize);
    let samples: usize = d.find_tag_unsigned::<u16>(tiff::tags::Tag::SamplesPerPixel)?.unwrap_or(1).into();
    let by_band = d.find_tag_unsigned::<u16>(tiff::tags::Tag::PlanarConfiguration)? == Some(2);
    let (cw, ch) = d.chunk_dimensions();
    let (across, down) = (w.div_ceil(cw as usize), h.div_ceil(ch as usize));
    let mut out = vec![vec![f64::NAN; w * h]; samples];
    for chunk in 0..across * down * if by_band { samples } else { 1 } {
        let (band, place) = (chunk / (across * down), chunk % (across * down));
        let (x, y) = (place % across * cw as usize, place / across * ch as usize);
        // its own `chunk_data_dimensions` forgets that bands of their own begin at the top again
        let (dw, dh) = ((w - x).min(cw as usize), (h - y).min(ch as usize));
        let v: Vec<f64> = match d.read_chunk(chunk as u32)? {
            R::U8(v) => v.into_iter().map(f64::from).collect(),
            R::U16(v) => v.into_iter().map(f64::from).collect(),
            R::U32(v) => v.into_iter().map(f64::from).collect(),
            R::I8(v) => v.into_iter().map(f64::from).collect(),
            R::I16(v) => v.into_iter().map(f64::from).collect(),
            R::I32(v) => v.into_iter().map(f64::from).collect(),
            R::U64(v) => v.into_iter().map(|x| x as f64).collect(),
            R::I64(v) => v.into_iter().map(|x| x as f64).collect(),
            R::F32(v) => v.into_iter().map(f64::from).collect(),
            R::F64(v) => v,
            R::F16(_) => panic!("no such fixture"),
        };
        let together = if by_band { 1 } else { samples };
        if v.len() < dw * dh * together {
            let short = format!("chunk {chunk} has {} of {} numbers", v.len(), dw * dh * together);
            return Err(std::io::Error::other(short).into());
        }
        for i in 0..dw * dh {
            let (c, r) = (i % dw, i / dw);
            for s in 0..together {
                out[if by_band { band } else { s }][(y + r) * w + x + c] = v[i * together + s];
            }
        }
    }
    Ok(out)
}

#[test]
fn the_crate_tiff_reads_the_same() {
    let mut refused = Vec::new();
    let mut all: Vec<PathBuf> = std::fs::read_dir(fixture("layouts")).unwrap().map(|e| e.unwrap().path()).collect();
    all.retain(|p| p.extension().is_some_and(|e| e == "tif"));
    all.sort();
    let d = tempfile::tempdir().unwrap();
    all.extend(written(d.path()));
    assert!(all.len() > 25, "{}", all.len());
    for path in &all {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        match by_the_crate_tiff(path) {
            Err(e) => refused.push(format!("{name}: {e}")),
            Ok(theirs) => {
                let r = open(path).unwrap();
                let bands: Vec<usize> = (0..r.info().bands.len()).collect();
                for (b, p) in r.read(&bands, r.info().grid.window()).unwrap().iter().enumerate() {
                    assert!(numbers(p) == theirs[b], "{name} band {b}");
                }
            }
        }
    }
    println!("the crate tiff refuses {refused:#?}");
    assert!(refused.len() < all.len() / 4, "{refused:#?}");
}

/// Rasters of our own: noise, classes, smooth and empty tiles, one band and two, of every type that is written.
fn written(dir: &Path) -> Vec<PathBuf> {
    fn one<T: heshan::write::raster::Writable>(path: PathBuf, of: impl Fn(usize, usize) -> T) -> PathBuf {
        use heshan::write::raster::{BandHead, Cog, Overviews, Packing, RasterHead};
        let mut grid = open(&fixture("before.tif")).unwrap().info().grid.clone();
        (grid.width, grid.height) = (1100, 530);
        let bands = ["a", "b"].map(|n| BandHead { description: n.into(), scale: 1.0, offset: 0.0 });
        let (overviews, packing) = (Overviews::Average, Packing::Deflate);
        let nodata = Some(-9999.0);
        let head = RasterHead { grid: grid.clone(), bands: bands.into(), nodata, overviews, packing, metadata: vec![] };
        let mut cog = Cog::<T>::create(&path, head.clone()).unwrap();
        for w in Window::tiles(&grid, 512) {
            for b in 0..2 {
                let p: Vec<T> = (0..w.len()).map(|i| of(w.col + i % w.width, w.row + i / w.width + 7 * b)).collect();
                cog.put(head.encode(b, w, &p)).unwrap();
            }
        }
        cog.finish().unwrap();
        path
    }
    let noise = |c: usize, r: usize| {
        let z = (c as u64 ^ (r as u64) << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (z ^ z >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 40
    };
    // noise on the left, waves in the middle, nodata on the right
    let mixed = move |c: usize, r: usize| match c {
        ..512 => 0.02 * (noise(c, r) as f32 / (1u64 << 24) as f32 - 0.5) + 0.3,
        512..1000 => (c as f32 / 90.0).sin() * (r as f32 / 70.0).cos(),
        _ => -9999.0,
    };
    vec![
        one::<f32>(dir.join("own_f32.tif"), mixed),
        one::<i16>(dir.join("own_i16.tif"), move |c, r| (mixed(c, r) * 10_000.0).clamp(-9999.0, 30_000.0) as i16),
        one::<u16>(dir.join("own_u16.tif"), move |c, r| noise(c, r) as u16 & 0x3ff),
        one::<u8>(dir.join("own_u8.tif"), |c, r| (c / 40 + r / 30) as u8 % 9),
    ]
}

#[test]
fn gdal_reads_what_we_write_of_every_type() {
    let d = tempfile::tempdir().unwrap();
    for path in written(d.path()) {
        let (own, gdal) = (GeoTiff::open(&path).unwrap().unwrap(), GdalRaster::open(&path).unwrap());
        let w = own.info().grid.window();
        assert!(own.read(&[0, 1], w).unwrap() == gdal.read(&[0, 1], w).unwrap(), "{}", path.display());
        common::validate_cog(&path);
    }
}

#[test]
fn a_read_outside_is_refused() {
    let r = open(&fixture("before.tif")).unwrap();
    let e = r.read(&[0], Window { col: 150, row: 0, width: 20, height: 1 }).unwrap_err();
    assert_eq!(e.kind.exit_code(), 3);
    assert_eq!(r.read(&[9], Window::default()).unwrap_err().kind.exit_code(), 2);
}

/// Reads everything of a file; what went wrong, if anything did.
fn read_all(path: &Path) -> Result<Vec<Pixels>, heshan::Error> {
    let r = open(path)?;
    let g = r.info().grid.clone();
    // what a lying header promises is not asked for at once
    let w = Window { col: 0, row: 0, width: g.width.min(4096), height: g.height.min(4096) };
    r.read(&(0..r.info().bands.len().min(8)).collect::<Vec<_>>(), w)
}

#[test]
fn a_cut_file_names_the_block() {
    let d = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(fixture("before.tif")).unwrap();
    let path = d.path().join("cut.tif");
    std::fs::write(&path, &bytes[..bytes.len() - 2000]).unwrap();
    let e = read_all(&path).unwrap_err();
    assert_eq!(e.kind.exit_code(), 3);
    let text = e.to_string();
    assert!(text.contains("cut.tif, block (") && text.contains("damaged"), "{text}");
    std::fs::write(&path, &bytes[..60]).unwrap();
    assert!(read_all(&path).unwrap_err().to_string().contains("cut.tif"));
}

#[test]
fn a_flipped_bit_in_a_tile_is_found_by_its_checksum() {
    let d = tempfile::tempdir().unwrap();
    let path = d.path().join("flip.tif");
    let bytes = std::fs::read(fixture("before.tif")).unwrap();
    let whole = read_all(&fixture("before.tif")).unwrap();
    let (mut errors, mut same) = (0, 0);
    for k in 0..60 {
        let mut b = bytes.clone();
        let at = b.len() / 8 + k * (b.len() * 7 / 8 - 1) / 60;
        b[at] ^= 1 << (k % 8);
        std::fs::write(&path, &b).unwrap();
        match read_all(&path) {
            Err(e) => {
                assert!(e.to_string().contains("flip.tif, block ("), "{e}");
                errors += 1;
            }
            Ok(p) => same += usize::from(p == whole),
        }
    }
    // deflate carries a checksum: nothing comes out wrong and unnoticed
    assert_eq!(errors + same, 60);
    assert!(errors > 50, "{errors}");
}

#[test]
fn headers_that_lie_are_refused_without_taking_memory() {
    let d = tempfile::tempdir().unwrap();
    let path = d.path().join("lie.tif");
    let tiff = |entries: &[(u16, u16, u32, u32)], next: u32| {
        let mut b = b"II\x2a\0\x08\0\0\0".to_vec();
        b.extend((entries.len() as u16).to_le_bytes());
        for (tag, ty, count, value) in entries {
            b.extend(tag.to_le_bytes());
            b.extend(ty.to_le_bytes());
            b.extend(count.to_le_bytes());
            b.extend(value.to_le_bytes());
        }
        b.extend(next.to_le_bytes());
        b
    };
    let image = |w: u32, h: u32, rows: u32, compression: u32| {
        vec![
            (256, 4, 1, w),
            (257, 4, 1, h),
            (258, 3, 1, 8),
            (259, 3, 1, compression),
            (262, 3, 1, 1),
            (273, 4, 1, 8),
            (277, 3, 1, 1),
            (278, 4, 1, rows),
            (279, 4, 1, 10),
        ]
    };
    let mut no_rows = image(10, 10, 0, 8);
    no_rows[5].3 = 8;
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("a circle", tiff(&image(10, 10, 10, 8), 8), "circle"),
        ("a huge image in few blocks", tiff(&image(20_000_000, 2_000_000_000, 1, 8), 0), "its table holds 1"),
        ("one huge block", tiff(&image(60_000, 60_000, 60_000, 8), 0), "in memory"),
        ("no width", tiff(&image(0, 10, 10, 8), 0), "width is 0"),
        ("strips without rows", tiff(&no_rows, 0), "no rows"),
        (
            "a table beyond the end",
            tiff(&[&image(10, 10, 1, 8)[..5], &[(273, 4, 4_000_000_000, 50), (279, 4, 10, 8)]].concat(), 0),
            "does not hold",
        ),
        ("a directory beyond the end", b"II\x2a\0\xff\xff\xff\x7f".to_vec(), "ends at 8"),
        ("no image", b"II\x2a\0\0\0\0\0".to_vec(), "no image"),
        (
            "many tags",
            [b"II\x2b\0\x08\0\0\0\x10\0\0\0\0\0\0\0".to_vec(), u64::MAX.to_le_bytes().to_vec()].concat(),
            "tags",
        ),
    ];
    for (what, bytes, says) in cases {
        std::fs::write(&path, bytes).unwrap();
        let e = read_all(&path).expect_err(what);
        assert!(e.to_string().contains("lie.tif") && e.to_string().contains(says), "{what}: {e}");
        assert_eq!(e.kind.exit_code(), 3, "{what}");
    }
}

#[test]
fn cuts_and_flips_in_any_kind_of_file_are_an_error_or_nothing() {
    // a flipped byte of pixels is found by the checksum of deflate and ZSTD, and by no one in LZW and plain files: there
    // other numbers may come out, but never others than asked for, and never a crash
    let d = tempfile::tempdir().unwrap();
    let path = d.path().join("damaged.tif");
    let mut state = 3u64;
    let mut random = |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let (mut errors, mut same, mut other) = (0, 0, 0);
    let mut all: Vec<PathBuf> = std::fs::read_dir(fixture("layouts")).unwrap().map(|e| e.unwrap().path()).collect();
    // what is left to GDAL is GDAL's
    all.retain(|p| p.extension().is_some_and(|e| e == "tif") && GeoTiff::open(p).unwrap().is_some());
    all.sort();
    for file in &all {
        let bytes = std::fs::read(file).unwrap();
        let whole = read_all(file).unwrap();
        // where deflate and its checksum begin, by another reader; in front of it lies the directory
        let deflate = file.file_stem().is_some_and(|s| s.to_string_lossy().contains("deflate"));
        let blocks = if deflate { first_block(file) } else { usize::MAX };
        for k in 0..24 {
            let mut b = bytes.clone();
            let at = random(b.len());
            if k % 4 == 0 {
                b.truncate(at);
            } else {
                b[at] ^= 1 << random(8);
            }
            std::fs::write(&path, &b).unwrap();
            let read = match GeoTiff::open(&path) {
                Ok(None) => continue,
                _ => read_all(&path),
            };
            match read {
                Err(e) => {
                    assert!(e.to_string().contains("damaged.tif"), "{e}");
                    errors += 1;
                }
                Ok(p) if p == whole => same += 1,
                Ok(_) => {
                    // a directory that lies soundly (another nodata, another predictor) reads as another picture
                    assert!(at < blocks, "{}: damage at byte {at} went unnoticed", file.display());
                    other += 1;
                }
            }
        }
    }
    println!("{errors} refused, {same} the same, {other} other pixels");
    assert!(errors > 200 && errors > 2 * other, "{errors} {same} {other}");
}

/// Byte at which the first block of a TIFF begins.
fn first_block(path: &Path) -> usize {
    use tiff::tags::Tag;
    let mut d = tiff::decoder::Decoder::new(std::fs::File::open(path).unwrap()).unwrap();
    let list = |d: &mut tiff::decoder::Decoder<std::fs::File>, t| d.find_tag_unsigned_vec::<u64>(t).unwrap();
    let offsets = list(&mut d, Tag::StripOffsets).or_else(|| list(&mut d, Tag::TileOffsets)).unwrap();
    *offsets.iter().min().unwrap() as usize
}

#[test]
fn any_damage_is_an_error_or_no_damage_at_all() {
    // every byte of the head changed in turn: never a crash
    let d = tempfile::tempdir().unwrap();
    let path = d.path().join("any.tif");
    for name in ["layouts/bigtiff.tif", "layouts/u16_lzw_band_strip.tif", "layouts/big_endian.tif"] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        for at in (0..bytes.len().min(700)).step_by(3) {
            for value in [0u8, 0xff, bytes[at].wrapping_add(1)] {
                let mut b = bytes.clone();
                b[at] = value;
                std::fs::write(&path, &b).unwrap();
                let _ = read_all(&path);
            }
        }
    }
}

/// Writes a TIFF of 4 bands (uint16, by pixels, deflate) whose tiles all lie in the same few bytes: a file of a megabyte
/// that holds as many pixels as a large scene. Tile after tile, red and near infrared tell NDVI 0.2, 0.3, 0.4, 0.5.
fn wide(path: &Path, tiles: u32, shift: usize) {
    const SIDE: u32 = 256;
    let mut c = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
    let packed: Vec<Vec<u8>> = [(2000u16, 3000u16), (1400, 2600), (1500, 3500), (1000, 3000)]
        .iter()
        .map(|(red, nir)| {
            let pixel: Vec<u8> = [1000, *red, *nir, 2000].iter().flat_map(|v: &u16| v.to_le_bytes()).collect();
            let plain = pixel.repeat((SIDE * SIDE) as usize);
            let mut out = vec![0; c.zlib_compress_bound(plain.len())];
            let n = c.zlib_compress(&plain, &mut out).unwrap();
            out.truncate(n);
            out
        })
        .collect();
    let n = tiles * tiles;
    let mut starts = Vec::new();
    let mut at = 8;
    for p in &packed {
        starts.push(at);
        at += p.len() as u32;
    }
    let (bits, scale) = (at, at + 8);
    let (tie, keys) = (scale + 24, scale + 72);
    let (offsets, counts) = (keys + 32, keys + 32 + 4 * n);
    let mut f = b"II\x2a\0".to_vec();
    f.extend((counts + 4 * n).to_le_bytes());
    packed.iter().for_each(|p| f.extend(p));
    [16u16; 4].iter().for_each(|v| f.extend(v.to_le_bytes()));
    [10.0f64, 10.0, 0.0, 0.0, 0.0, 0.0, 600_000.0, 4_400_040.0, 0.0].iter().for_each(|v| f.extend(v.to_le_bytes()));
    [1u16, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32648].iter().for_each(|v| f.extend(v.to_le_bytes()));
    let which = |i: u32| (i as usize + shift * usize::from(i.is_multiple_of(7))) % 4;
    (0..n).for_each(|i| f.extend(starts[which(i)].to_le_bytes()));
    (0..n).for_each(|i| f.extend((packed[which(i)].len() as u32).to_le_bytes()));
    let side = tiles * SIDE;
    let tags: [(u16, u16, u32, u32); 13] = [
        (256, 4, 1, side),
        (257, 4, 1, side),
        (258, 3, 4, bits),
        (259, 3, 1, 8),
        (262, 3, 1, 1),
        (277, 3, 1, 4),
        (322, 3, 1, SIDE),
        (323, 3, 1, SIDE),
        (324, 4, n, offsets),
        (325, 4, n, counts),
        (33550, 12, 3, scale),
        (33922, 12, 6, tie),
        (34735, 3, 16, keys),
    ];
    f.extend((tags.len() as u16).to_le_bytes());
    for (tag, ty, count, value) in tags {
        f.extend(tag.to_le_bytes());
        f.extend(ty.to_le_bytes());
        f.extend(count.to_le_bytes());
        f.extend(value.to_le_bytes());
    }
    f.extend(0u32.to_le_bytes());
    std::fs::write(path, f).unwrap();
}

#[test]
fn rasters_ten_times_larger_than_the_memory_allowed_run() {
    // 10,240 × 10,240 pixels of 4 bands of 2 bytes, twice: 1.68 GB. A tenth is allowed
    let (tiles, pixels) = (40u32, 10_240u64 * 10_240);
    let allowed = 2 * pixels * 8 / 10;
    let d = tempfile::tempdir().unwrap();
    wide(&d.path().join("before.tif"), tiles, 0);
    wide(&d.path().join("after.tif"), tiles, 3);
    let mut child = common::heshan()
        .current_dir(d.path())
        .args(["change", "before.tif", "after.tif", "--bands", "green=1,red=2,nir=3,swir1=4", "--threads", "2"])
        .args(["--threshold", "-0.05,0.05", "-o", "c.tif", "--type", "int16", "--patches", "c.fgb", "--json"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // the greatest memory of the process, as the kernel keeps it, while it runs
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let mut out = child.stdout.take().unwrap();
    let said = std::thread::spawn(move || {
        let mut s = String::new();
        std::io::Read::read_to_string(&mut out, &mut s).map(|_| s)
    });
    let code = loop {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        let kib = line.and_then(|l| l.trim().trim_end_matches(" kB").trim().parse::<u64>().ok());
        peak = peak.max(1024 * kib.unwrap_or(0));
        if let Some(code) = child.try_wait().unwrap() {
            break code;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    };
    assert!(code.success());
    let s: Json = serde_json::from_str(&said.join().unwrap().unwrap()).unwrap();
    if peak == 0 {
        println!("skipped: this system has no /proc to tell the memory");
    }
    println!("peak {} MiB of {} allowed", peak >> 20, allowed >> 20);
    assert!(peak < allowed, "{} MiB, allowed {}", peak >> 20, allowed >> 20);
    // every seventh tile moved on by three kinds: NDVI 0.2 to 0.5, or 0.3, 0.4, 0.5 down by 0.1
    let moved: Vec<u32> = (0..tiles * tiles).filter(|i| i.is_multiple_of(7)).collect();
    let up = moved.iter().filter(|i| **i % 4 == 0).count() as u64;
    let tile = 256 * 256;
    assert_eq!(s["directions"][1]["pixels"], up * tile);
    assert_eq!(s["directions"][0]["pixels"], (moved.len() as u64 - up) * tile);
    assert_eq!(s["pixels"]["observed"], pixels);
}

#[test]
fn gdal_reads_back_what_we_write_and_its_validator_accepts_it() {
    use heshan::write::raster::{BandHead, Cog, Overviews, Packing, RasterHead};
    let d = tempfile::tempdir().unwrap();
    let mut grid = open(&fixture("before.tif")).unwrap().info().grid.clone();
    (grid.width, grid.height) = (1300, 700);
    for (name, packing, overviews) in [
        ("a.tif", Packing::Deflate, Overviews::Average),
        ("b.tif", Packing::Zstd, Overviews::None),
        ("c.tif", Packing::Deflate, Overviews::Nearest),
    ] {
        let bands = ["红", "nir"].map(|n| BandHead { description: n.into(), scale: 1e-4, offset: 0.0 });
        let metadata = vec![("SCENE".to_owned(), "a <b> & \"c\"".to_owned())];
        let head = RasterHead {
            grid: grid.clone(),
            bands: bands.into(),
            nodata: Some(-32_768.0),
            overviews,
            packing,
            metadata,
        };
        let path = d.path().join(name);
        let mut cog = Cog::<i16>::create(&path, head.clone()).unwrap();
        let value = |b: usize, c: usize, r: usize| -> i16 {
            if (c + r).is_multiple_of(97) { -32_768 } else { ((c * 7 + r * 13 + b * 1000) % 9000) as i16 - 4000 }
        };
        for row in (0..700).step_by(512) {
            for col in (0..1300).step_by(512) {
                let w = Window { col, row, width: 512.min(1300 - col), height: 512.min(700 - row) };
                for b in 0..2 {
                    let p: Vec<i16> = (0..w.len()).map(|i| value(b, col + i % w.width, row + i / w.width)).collect();
                    cog.put(head.encode(b, w, &p)).unwrap();
                }
            }
        }
        let statistics = cog.finish().unwrap();
        assert_eq!(std::fs::read_dir(d.path()).unwrap().count(), 1, "nothing is left beside the file");
        let (own, gdal) = (GeoTiff::open(&path).unwrap().unwrap(), GdalRaster::open(&path).unwrap());
        for b in 0..2 {
            let p = gdal.read(&[b], grid.window()).unwrap().remove(0);
            assert_eq!(p, own.read(&[b], grid.window()).unwrap().remove(0));
            let Pixels::I16(v) = p else { panic!("not int16") };
            assert!(v.iter().enumerate().all(|(i, x)| *x == value(b, i % 1300, i / 1300)), "{name}");
            let seen: Vec<f64> = v.iter().filter(|x| **x != -32_768).map(|x| f64::from(*x) * 1e-4).collect();
            let s = statistics[b].unwrap();
            let mean = seen.iter().sum::<f64>() / seen.len() as f64;
            assert!(s.count == seen.len() as u64 && (s.mean - mean).abs() < 1e-12);
        }
        for info in [own.info(), gdal.info()] {
            assert_eq!(info.bands[0].description.as_deref(), Some("红"));
            assert_eq!((info.bands[1].scale, info.bands[1].nodata), (1e-4, Some(-32_768.0)));
            assert!(info.metadata.contains(&("SCENE".into(), "a <b> & \"c\"".into())), "{:?}", info.metadata);
        }
        common::validate_cog(&path);
        std::fs::remove_file(&path).unwrap();
    }
}
